// A client for a lane outside the registry (the edge's streams): the same connection, writing and slot map as the registry's lanes, and
// nothing around its commands.

import type { Cluster } from "ioredis";
import { openClient } from "./client.ts";
import type { RedisSettings } from "./settings.ts";
import { SlotMaps, uneasyMs, type SlotMapPorts } from "./slot-maps.ts";

/** Opens it; it connects by itself, goes on trying for ever, and ends with `disconnect`. `lane` names its connections. */
export function openLoneClient(settings: RedisSettings, lane: string, ports: SlotMapPorts): Cluster {
  const { time } = ports;
  const client = openClient(settings, lane);
  let failedAtMs = Number.NEGATIVE_INFINITY;
  const failed = (): void => void (failedAtMs = time.monotonicMs());
  client.on("error", failed);
  client.on("node error", failed);
  const maps = new SlotMaps(settings.slotsRefreshMs, ports, () => time.monotonicMs() - failedAtMs < uneasyMs);
  maps.add(client);
  client.once("end", () => maps.close());
  return client;
}
