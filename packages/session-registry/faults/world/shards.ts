// Which master serves which partition, as the checkers see it. Pure but for reading the client's slot map.

import { partitions } from "@cpg/session-registry";
import type { Observer } from "./observer.ts";
import { slotOf } from "./redis-stack.ts";

/** `host:port` of each partition's master now, by partition. */
export function shardNames(observer: Observer): string[] {
  return partitions.map((partition) => observer.redis.slots[slotOf(partition)]?.[0] ?? "");
}
