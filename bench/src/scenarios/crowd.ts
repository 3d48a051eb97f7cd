// What storm, faults and density ask alike: how long until every station is connected, registered, and reached by a command.
//
// C1. A station comes back by itself, so that all are there at the end does not say that nobody was lost: losses are counted, and only
//     those of an edge that was killed are expected.

import type { Endpoint, Fleet } from "../load/fleet.ts";
import type { CommandCount, CommandPlan } from "../load/commander.ts";
import type { Edge, Gateway } from "../system/gateway.ts";
import type { Worker } from "../system/worker.ts";
import { nowMs, pause, until } from "../time.ts";
import { linesOfLosses } from "./reading.ts";

/** Seconds since the begin; undefined: not within the limit. */
export interface CrowdTimes {
  readonly connected: number | undefined;
  readonly registered: number | undefined;
  readonly commanded: number | undefined;
  /** At the limit, or when all were there. */
  readonly open: number;
  readonly rows: number;
  /** Answered of one command to each station. */
  readonly reached: number;
  /** Open sockets over time, for the plot. */
  readonly curve: readonly (readonly [seconds: number, open: number])[];
  readonly lost: Lost;
}

/** Stations lost until its end since the last look (C1). */
export interface Lost {
  /** By kind: by edges that nobody killed. */
  readonly byLiving: Readonly<Record<string, number>>;
  /** With the edge that was killed. */
  readonly withKilled: number;
  /** How many that edge had; undefined: none was killed, or while they were coming and nobody can say. */
  readonly held: number | undefined;
}

/** An edge that was killed. */
export interface Killed {
  readonly endpoint: Endpoint;
  /** `Lost.held` */
  readonly held: number | undefined;
}

/** What to watch. */
export interface Crowd {
  readonly fleet: Fleet;
  readonly gateway: Gateway;
  readonly stations: number;
  readonly prefix: string;
  /** Through whose API each station is commanded; absent: none is. */
  readonly commander?: { readonly worker: Worker; readonly edge: Edge };
  readonly limitSeconds: number;
}

/** Kills it, behind a look at how many stations it has: they must be quiet, or who comes meanwhile is not counted. */
export async function killEdge(fleet: Fleet, { endpoint, process }: Edge): Promise<Killed> {
  const held = await fleet.openAt(endpoint);
  await process.kill("SIGKILL");
  return { endpoint, held };
}

/** Watches from `startedMs` on until all stations are connected, registered and reached. */
export async function watchCrowd(crowd: Crowd, startedMs: number, killed?: Killed): Promise<CrowdTimes> {
  const { fleet, gateway, stations, limitSeconds } = crowd;
  const curve: (readonly [number, number])[] = [];
  const since = (): number => (nowMs() - startedMs) / 1000;
  let connected: number | undefined;
  const connecting = until(
    async () => {
      const { open } = await fleet.state();
      curve.push([since(), open]);
      if (open < stations) return false;
      connected = since();
      return true;
    },
    limitSeconds * 1000,
    50,
  );
  const registering = gateway
    .untilRegistered((count) => count >= stations, limitSeconds * 1000)
    .then((isRegistered) => (isRegistered ? since() : undefined));
  const [registered] = await Promise.all([registering, connecting]);
  const { reached, commanded } = await commandAll(crowd, since);
  const { open } = await fleet.state();
  const rows = await gateway.registered("rows");
  const lost = await lostOf(fleet, killed);
  return { connected, registered, commanded, open, rows, reached, curve, lost };
}

// C1
async function lostOf(fleet: Fleet, killed: Killed | undefined): Promise<Lost> {
  const { there, elsewhere } = await fleet.takeLossesAt(killed?.endpoint);
  const withKilled = Object.values(there).reduce((sum, count) => sum + count, 0);
  return { byLiving: elsewhere, withKilled, held: killed?.held };
}

async function commandAll(
  { commander, stations, prefix, limitSeconds }: Crowd,
  since: () => number,
): Promise<{ reached: number; commanded: number | undefined }> {
  if (commander === undefined) return { reached: stations, commanded: undefined };
  let missing = stations;
  // Who did not answer is asked again: an edge that died is routed to until its lease has run out.
  do {
    const plan: CommandPlan = {
      origin: commander.edge.api,
      path: "/v1/charge-points/{id}/commands",
      prefix,
      stations,
      concurrency: 64,
      commands: stations,
      seconds: 0,
    };
    const count = await commander.worker.ask<CommandCount>("run", plan);
    missing = count.failed.length;
    if (missing > 0) await pause(250);
  } while (missing > 0 && since() < limitSeconds);
  return { reached: stations - missing, commanded: missing === 0 ? since() : undefined };
}

/** One line for each thing that is not as it must be. */
export function wrongOfCrowd(name: string, stations: number, times: CrowdTimes): string[] {
  const lines: string[] = [];
  lines.push(...linesOfLosses(name, times.lost.byLiving));
  const { withKilled, held } = times.lost;
  if (held !== undefined && withKilled !== held)
    lines.push(`${name}: ${withKilled} stations lost with their edge, which had ${held}`);
  if (times.open < stations) lines.push(`${name}: ${stations - times.open} stations not connected`);
  if (times.rows < stations) lines.push(`${name}: ${stations - times.rows} stations not registered`);
  if (times.reached < stations)
    lines.push(`${name}: ${stations - times.reached} stations reached by no command`);
  return lines;
}
