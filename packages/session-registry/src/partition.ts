// The 64 partitions of the keyspace: pure.
//
// P1. A charge point's row, its lifecycle events and the inbox its evictions go to share one hash tag, so one script
//     changes them together (SPEC, *Partitions*).
// P2. Tags are balanced: partition i lies in the i-th 64th of the 16384 slots, so every master of an evenly split cluster
//     gets its share, however many masters there are.
// P3. An identity never is a hash tag itself: braces in it would split its keys (FACTS §9).

import { crc32 } from "node:zlib";
import clusterKeySlot from "cluster-key-slot";
import { foldAscii, type IdentityKey } from "@cpg/ocpp";

/** Number of partitions. Part of the data format: changing it needs a migration. Some 20 for each of 3 masters, and few enough to poll each twice a second. */
export const partitionCount = 64;

/** 0 … 63. */
export type Partition = number & { readonly __brand: "Partition" };

const slotCount = 16384;
const slotsPerPartition = slotCount / partitionCount;

/** The hash tags, by partition: `p17-52` is the first of `p17-0, p17-1, …` whose slot lies in partition 17's range (P2). */
export const partitionTags: readonly string[] = Array.from({ length: partitionCount }, (_, index) => {
  for (let suffix = 0; ; suffix++) {
    const tag = `p${index}-${suffix}`;
    if (Math.floor(clusterKeySlot(tag) / slotsPerPartition) === index) return tag;
  }
});

/** The slot of Redis Cluster that a partition's keys share. */
export const partitionSlots: readonly number[] = partitionTags.map((tag) => clusterKeySlot(tag));

/** All of them, in order. */
export const partitions: readonly Partition[] = partitionTags.map((_, index) => index as Partition);

/**
 * Where a text lives; even over the partitions whatever naming scheme an operator uses. Without regard to ASCII case: the keys that one
 * identity may have (as written in 1.6, folded in 2.x) lie in one slot, so asking for both is one way there and back.
 */
export function partitionOf(text: IdentityKey | string): Partition {
  return (crc32(foldAscii(text)) % partitionCount) as Partition;
}

/** Every eighth: leases need few keys, spread over all shards, so that reading them all costs little. */
export const leasePartitions: readonly Partition[] = partitions.filter((partition) => partition % 8 === 0);

/** Where an incarnation's lease lives. */
export function leasePartitionOf(incarnation: string): Partition {
  return leasePartitions[crc32(incarnation) % leasePartitions.length] ?? (0 as Partition);
}
