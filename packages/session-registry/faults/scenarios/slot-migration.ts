// Slots of two partitions move to another master, key by key, under load: MOVED, ASK and TRYAGAIN are weather, not errors.

import { type Partition, partitions } from "@cpg/session-registry";
import { Redis } from "ioredis";
import { audit } from "../audit.ts";
import { spread } from "../report.ts";
import { masterOf, slotOf } from "../world/redis-stack.ts";
import { delay, nowMs } from "../world/time.ts";
import { inWorld, type World } from "../world/world.ts";
import type { Scenario } from "./scenario.ts";

/** Keys moved at once, and the pause behind them: slow enough that claims meet a slot in mid-move. */
const keysAtOnce = 2;
const pauseMs = 40;
const moved: readonly Partition[] = partitions.slice(0, 2);

export const slotMigration: Scenario = {
  name: "slot-migration",
  summary: "the slots of two partitions move to another master, key by key, under load",
  inQuick: false,
  run: (context) =>
    inWorld(context, {}, async (world) => {
      const { options, report, fleet, log } = world;
      const beganAtMs = nowMs();
      await delay(options.calmMs);
      const fromMs = nowMs();
      let keys = 0;
      for (const partition of moved) {
        log(`the slot of partition ${partition} moves`);
        keys += await migrate(world, partition);
      }
      const toMs = nowMs();
      await delay(options.calmMs);
      const ledger = await audit(world);
      report.figure("keys moved", `${keys} in ${toMs - fromMs} ms`);
      const between = (from: number, to: number): string =>
        spread(
          ledger.latencies(
            fleet.stations,
            (life, grant) =>
              moved.includes(grant.partition) && life.dialledAtMs >= from && life.dialledAtMs < to,
          ),
        );
      report.figure("dial to registered in those partitions, before", between(beganAtMs, fromMs));
      report.figure("dial to registered in those partitions, meanwhile", between(fromMs, toMs));
      report.figure("dial to registered in those partitions, afterwards", between(toMs, nowMs()));
      report.must("keys were there to move", keys > 0, keys);
    }),
};

/** As redis-cli --cluster reshard does it; returns how many keys moved. */
async function migrate({ stack }: World, partition: Partition): Promise<number> {
  const slot = slotOf(partition);
  const source = await masterOf(stack, partition);
  const target = await masterOf(stack, partitions.at(-1) ?? partition);
  const connections = stack.cluster.nodes.map(({ host, port }) => new Redis({ host, port }));
  const at = (port: number): Redis =>
    connections[stack.cluster.nodes.findIndex((node) => node.port === port)] ?? never();
  const [from, to] = [at(source.port), at(target.port)];
  try {
    const [fromId, toId] = [await from.cluster("MYID"), await to.cluster("MYID")].map(String);
    await to.call("CLUSTER", "SETSLOT", slot, "IMPORTING", fromId ?? "");
    await from.call("CLUSTER", "SETSLOT", slot, "MIGRATING", toId ?? "");
    let count = 0;
    for (;;) {
      const keys = (await from.call("CLUSTER", "GETKEYSINSLOT", slot, keysAtOnce)) as string[];
      if (keys.length === 0) break;
      await from.call("MIGRATE", target.host, target.port, "", 0, 5000, "KEYS", ...keys);
      count += keys.length;
      await delay(pauseMs);
    }
    await to.call("CLUSTER", "SETSLOT", slot, "NODE", toId ?? "");
    await from.call("CLUSTER", "SETSLOT", slot, "NODE", toId ?? "");
    for (const node of connections)
      await node.call("CLUSTER", "SETSLOT", slot, "NODE", toId ?? "").catch(() => undefined); // replicas refuse, and learn it by gossip
    return count;
  } finally {
    for (const connection of connections) connection.disconnect();
  }
}

function never(): never {
  throw new Error("no such node");
}
