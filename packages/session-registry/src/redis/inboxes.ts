// The inboxes of incarnations in Redis: who writes into them and who reads. What the scripts promise stands at their heads (lua/).

import type { IdentityKey } from "@cpg/ocpp";
import { RegistryError } from "../errors.ts";
import type { Keyspace } from "../keyspace.ts";
import type { RegistryMeter } from "../meter.ts";
import type { Incarnation } from "../model.ts";
import { partitionOf, type Partition } from "../partition.ts";
import { inboxPage, type HandOverReply, type InboxEntry, type InboxPlace } from "../store-port.ts";
import type { RegistryClient } from "./client.ts";
import type { Lane } from "./lanes.ts";
import { readEntries, readHandOverReply, readPostReply, rowFormat, writeTold } from "./replies.ts";
import type { RetentionSettings } from "./settings.ts";

/** What the store shares with them. */
export interface InboxParts {
  readonly keys: Keyspace;
  readonly retention: RetentionSettings;
  readonly data: Lane;
  readonly control: Lane;
  readonly meter: RegistryMeter;
  /** Own monotonic time, ms. */
  readonly nowMs: () => number;
  /** An own monotonic moment in the clock of the partition's shard, µs; undefined while that shard was never heard. */
  readonly toShardUs: (partition: Partition, monotonicMs: number) => number | undefined;
}

/** See store-port.ts: each method is the store's of that name. */
export class RedisInboxes {
  readonly #parts: InboxParts;

  constructor(parts: InboxParts) {
    this.#parts = parts;
  }

  async post(partition: Partition, to: Incarnation, message: string, deadlineMs: number) {
    const { keys: names, data, retention } = this.#parts;
    const notAfter = this.#limit(partition, deadlineMs);
    const { value, hasStray } = await data.callTelling("post", partition, deadlineMs, (client) =>
      client.cpgPost(
        names.fence(partition, to),
        names.inbox(partition, to),
        retention.inboxMaxLength,
        retention.inboxLifeMs,
        names.wake(partition, to),
        notAfter(),
        message,
      ),
    );
    return readPostReply(value, hasStray);
  }

  /**
   * By no script: nothing is asked first. What is told says how old it is, by the clock of the shard that knows the sender now: whoever would judge
   * a message by its age may not be told one without.
   */
  async tell(partition: Partition, to: Incarnation, message: string, deadlineMs: number): Promise<boolean> {
    const { keys: names, data, nowMs, toShardUs } = this.#parts;
    const atUs = toShardUs(partition, nowMs());
    if (atUs === undefined) return false;
    try {
      const listeners = await data.call("tell", partition, deadlineMs, (client) =>
        client.spublish(names.wake(partition, to), writeTold({ message, atUs })),
      );
      return Number(listeners) > 0;
    } catch (error) {
      if (error instanceof RegistryError && error.code === "REFUSED") return false; // as where nobody listens (deliver.lua, tell)
      throw error;
    }
  }

  /** Once: the next attempt asks anew who the owner is, and might bring to another edge what one has already (R11). */
  async handOver(
    keys: readonly IdentityKey[],
    asker: Incarnation,
    content: string,
    deadlineMs: number,
  ): Promise<HandOverReply> {
    const partition = partitionOf(keys[0] ?? "");
    const { keys: names, data, retention } = this.#parts;
    const rows = keys.map((key) => names.row(partition, key));
    const notAfter = this.#limit(partition, deadlineMs);
    const value = await data.callOnce("handOver", partition, deadlineMs, (client) =>
      client.cpgHandOver(
        rows.length,
        ...rows,
        rowFormat,
        asker,
        retention.inboxMaxLength,
        retention.inboxLifeMs,
        names.fence(partition, ""),
        names.inbox(partition, ""),
        names.wake(partition, ""),
        notAfter(),
        content,
        ...keys,
      ),
    );
    const { reply, badRows } = readHandOverReply(value, keys);
    if (badRows > 0) this.#parts.meter.badRows(badRows);
    return reply;
  }

  /** The end of a call in the clock of its shard, µs: asked for each attempt, whose shard may be another. 0: that clock is not known yet. */
  #limit(partition: Partition, deadlineMs: number): () => number {
    const { nowMs, toShardUs } = this.#parts;
    const endMs = nowMs() + deadlineMs;
    return () => toShardUs(partition, endMs) ?? 0;
  }

  async read(partition: Partition, incarnation: Incarnation, afterId: string, deadlineMs: number) {
    return this.#parts.control.call("inbox", partition, deadlineMs, (client) =>
      this.#readWith(client, incarnation, { partition, afterId }),
    );
  }

  /** The policies of one call, and one of its permits, for all of them: nearly all are empty, twice a second. */
  async readMany(places: readonly InboxPlace[], incarnation: Incarnation, deadlineMs: number) {
    const [first] = places;
    if (first === undefined) return [];
    return this.#parts.control.call("inbox", first.partition, deadlineMs, async (client) => {
      const reads = await Promise.allSettled(
        places.map((place) => this.#readWith(client, incarnation, place)),
      );
      const failed = reads.filter((read) => read.status === "rejected");
      if (failed[0] !== undefined && failed.length === reads.length) throw failed[0].reason;
      return reads.map((read) => (read.status === "fulfilled" ? read.value : undefined));
    });
  }

  async #readWith(
    client: RegistryClient,
    incarnation: Incarnation,
    { partition, afterId }: InboxPlace,
  ): Promise<readonly InboxEntry[]> {
    const key = this.#parts.keys.inbox(partition, incarnation);
    const streams = await client.xread("COUNT", inboxPage, "STREAMS", key, afterId);
    return readEntries(streams?.[0]?.[1] ?? []);
  }

  async trim(partition: Partition, incarnation: Incarnation, id: string, deadlineMs: number) {
    const { keys, control } = this.#parts;
    const key = keys.inbox(partition, incarnation);
    await control.call("trim", partition, deadlineMs, (client) => client.xtrim(key, "MINID", id));
  }

  async probe(partition: Partition, incarnation: Incarnation, deadlineMs: number): Promise<void> {
    await this.#parts.control.call("probe", partition, deadlineMs, (client) =>
      client.spublish(this.#parts.keys.wake(partition, incarnation), ""),
    );
  }
}
