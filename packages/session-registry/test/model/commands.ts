// What can happen to a world, as data: fast-check draws lists of these and shrinks them.

import * as fc from "fast-check";
import type { Fate, Fated } from "./faulty-store.ts";
import type { World } from "./world.ts";

/** One step. */
export type Step =
  | { readonly do: "open" | "close" | "look"; readonly edge: number; readonly id: number }
  | { readonly do: "purge" | "replicate" | "findLeases" }
  | { readonly do: "fates"; readonly edge: number; readonly of: Fated; readonly fates: readonly Fate[] }
  | { readonly do: "pause" | "resume" | "kill" | "cut" | "mend" | "loseLease"; readonly edge: number }
  | { readonly do: "failover"; readonly clockStepMs: number }
  | { readonly do: "advance"; readonly ms: number };

const edge = fc.nat(2);
const id = fc.nat(1);
const fate: fc.Arbitrary<Fate> = fc.oneof(
  fc.constant<Fate>({ kind: "ok" }),
  fc.record({ kind: fc.constant("slowReply" as const), ms: fc.integer({ min: 1, max: 240 }) }),
  fc.constant<Fate>({ kind: "lostReply" }),
  fc.record({ kind: fc.constant("late" as const), ms: fc.integer({ min: 1, max: 3000 }) }),
  fc.record({ kind: fc.constant("twice" as const), ms: fc.integer({ min: 1, max: 3000 }) }),
  fc.constant<Fate>({ kind: "refused" }),
);

const common: fc.WeightedArbitrary<Step>[] = [
  { weight: 8, arbitrary: fc.record({ do: fc.constant("open" as const), edge, id }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("close" as const), edge, id }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("look" as const), edge, id }) },
  { weight: 2, arbitrary: fc.constant<Step>({ do: "purge" }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("fates" as const),
      edge,
      of: fc.constantFrom<Fated>("claim", "claim", "claim", "release", "renew"),
      fates: fc.array(fate, { minLength: 1, maxLength: 4 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("pause" as const), edge }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("resume" as const), edge }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("kill" as const), edge }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("cut" as const), edge }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("mend" as const), edge }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("advance" as const),
      ms: fc.constantFrom(20, 50, 150, 400, 1200, 3000),
    }),
  },
];

const failovers: fc.WeightedArbitrary<Step>[] = [
  { weight: 2, arbitrary: fc.constant<Step>({ do: "replicate" }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("failover" as const),
      // Hosts' clocks agree better than two logins are apart (SPEC, Gaps: what happens if not).
      clockStepMs: fc.integer({ min: -5, max: 5 }),
    }),
  },
];

const lostLeases: fc.WeightedArbitrary<Step>[] = [
  { weight: 2, arbitrary: fc.record({ do: fc.constant("loseLease" as const), edge }) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: "findLeases" }) },
  { weight: 4, arbitrary: fc.constant<Step>({ do: "advance", ms: 5000 }) },
];

/** What may happen beside the common. */
export interface StepOptions {
  readonly hasFailovers: boolean;
  readonly losesLeases?: boolean;
}

/** Lists of steps. */
export const steps = ({ hasFailovers, losesLeases = false }: StepOptions): fc.Arbitrary<Step[]> =>
  fc.array(fc.oneof(...common, ...(hasFailovers ? failovers : []), ...(losesLeases ? lostLeases : [])), {
    minLength: 5,
    maxLength: 40,
    size: "max",
  });

/** A story that chance tells too seldom: an edge dies, its sessions are ended, and a failover brings them back (R7). */
export const lostReaping: readonly Step[] = [
  { do: "open", edge: 0, id: 0 },
  { do: "open", edge: 0, id: 1 },
  { do: "advance", ms: 400 },
  { do: "replicate" },
  { do: "kill", edge: 0 },
  { do: "advance", ms: 3000 },
  { do: "failover", clockStepMs: 0 },
];

/** Chance seldom has a charge point come back while its edge asserts again what a failover may have lost (V2 of edge, session-lifetimes.ts). */
export const comesBackInReplay: readonly Step[] = [
  { do: "open", edge: 0, id: 0 },
  { do: "advance", ms: 400 },
  { do: "replicate" },
  { do: "failover", clockStepMs: -5 },
  { do: "open", edge: 0, id: 0 },
  { do: "fates", edge: 0, of: "claim", fates: [{ kind: "refused" }, { kind: "lostReply" }] },
  { do: "open", edge: 0, id: 0 },
  { do: "advance", ms: 1200 },
];

/** Lets it happen, checks, and in the end waits for quiet. */
export async function play(world: World, list: readonly Step[]): Promise<void> {
  await world.advance(500); // the edges have their leases
  for (const step of list) {
    await take(world, step);
    await world.check();
  }
  await world.quiet();
}

async function take(world: World, step: Step): Promise<void> {
  switch (step.do) {
    case "open":
      world.open(step.edge, step.id);
      return world.advance(20); // no two logins within the error of the clocks
    case "close":
      return world.close(step.edge, step.id);
    case "look":
      return world.look(step.edge, step.id);
    case "purge":
      return world.purge();
    case "replicate":
      return world.replicate();
    case "fates":
      return void world.edge(step.edge).store.fates[step.of].push(...step.fates);
    case "pause":
      return world.edge(step.edge).time.pause();
    case "resume":
      return world.edge(step.edge).time.resume();
    case "kill":
      return world.kill(step.edge);
    case "cut":
      return void (world.edge(step.edge).store.isCut = true);
    case "mend":
      return void (world.edge(step.edge).store.isCut = false);
    case "loseLease":
      return world.loseLease(step.edge);
    case "findLeases":
      return world.findLeases();
    case "failover":
      return world.failover(step.clockStepMs);
    case "advance":
      return world.advance(step.ms);
  }
}
