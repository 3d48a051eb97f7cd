// Wrong data in rows: another version's, half of one, other types, numbers that are none. Counted, never routed, replaced; never a crash (R10).

import { audit, outcomes } from "../audit.ts";
import { metricSum } from "../world/edges.ts";
import type { Station } from "../world/fleet.ts";
import { delay } from "../world/time.ts";
import { orNever, untilRegistered } from "../world/waiting.ts";
import { edgeAt, inWorld, type World } from "../world/world.ts";
import type { Scenario } from "./scenario.ts";

/** Sessions are asserted again this often here, so that the repair is seen. */
const reassertMs = 5000;

type Damage = (world: World, key: string) => Promise<unknown>;

const damages: Readonly<Record<string, Damage>> = {
  "another version's": ({ observer }, key) => observer.redis.hset(key, "v", "2"),
  "a string": async ({ observer }, key) => observer.redis.set(key, "\u0000garbage{}"),
  "a list": async ({ observer }, key) => {
    await observer.redis.del(key);
    return observer.redis.rpush(key, "one", "two");
  },
  "half of one": ({ observer }, key) => observer.redis.hdel(key, "inc", "conn", "edge"),
  "no number": ({ observer }, key) => observer.redis.hset(key, "epoch", "NaN", "stamp", "soon"),
  "a number beyond 2^53": ({ observer }, key) => observer.redis.hset(key, "epoch", "90071992547409930"),
  "unknown fields only": async ({ observer }, key) => {
    await observer.redis.del(key);
    return observer.redis.hset(key, "colour", "green");
  },
};

export const badRows: Scenario = {
  name: "bad-rows",
  summary:
    "rows of another version, of other types and of garbage, under connected stations and before new ones",
  inQuick: true,
  run: (context) =>
    inWorld(context, { edgeArguments: [`--registry-reassert-ms=${reassertMs}`] }, async (world) => {
      const { options, log, report, steady, fleet, edges, commander } = world;
      await delay(options.calmMs);
      const before = await metricSum(edges, "registry_bad_rows_total");
      const hit = steady.slice(0, 10 * Object.keys(damages).length);
      const absent = fleet.make(5 * Object.keys(damages).length, "new");
      const kinds = await damageAll(world, [...hit, ...absent]);
      log(`${hit.length + absent.length} rows damaged in ${kinds} ways`);
      report.figure("commands at once, through random edges", outcomes(await commander.sweep(hit, edges)));
      await fleet.dialAll(absent, (i) => edgeAt(world, i % 3));
      const grantedMs = await untilRegistered(world, absent, 5000);
      report.must(
        "stations whose row was garbage are registered when they come",
        grantedMs !== undefined,
        `${absent.length} in ${orNever(grantedMs)}`,
      );
      const repairedMs = await untilRegistered(world, hit, 3 * reassertMs);
      report.must(
        "damaged rows of connected stations are repaired",
        repairedMs !== undefined,
        `${hit.length} in ${orNever(repairedMs)}; asserted again every ${reassertMs} ms`,
      );
      const counted = (await metricSum(edges, "registry_bad_rows_total")) - before;
      report.must("each bad row is counted", counted >= hit.length, counted);
      await audit(world, { damaged: new Set([...hit, ...absent].map(({ identity }) => identity)) });
    }),
};

async function damageAll(world: World, stations: readonly Station[]): Promise<number> {
  const ways = Object.values(damages);
  await Promise.all(
    stations.map(async ({ identity }, i) => ways[i % ways.length]?.(world, world.observer.rowKey(identity))),
  );
  return ways.length;
}
