// The inboxes of incarnations in Redis: who writes into them and who reads. What the scripts promise stands at their heads (lua/).

import type { IdentityKey } from "@cpg/ocpp";
import type { Keyspace } from "../keyspace.ts";
import type { RegistryMeter } from "../meter.ts";
import type { Incarnation } from "../model.ts";
import { partitionOf, type Partition } from "../partition.ts";
import { inboxPage, type HandOverReply, type InboxEntry, type RegistryStore } from "../store-port.ts";
import type { Lane } from "./lanes.ts";
import { readEntries, readHandOverReply, readPostReply, rowFormat } from "./replies.ts";
import type { RetentionSettings } from "./settings.ts";

/** What the store shares with them. */
export interface InboxParts {
  readonly keys: Keyspace;
  readonly retention: RetentionSettings;
  readonly data: Lane;
  readonly control: Lane;
  readonly meter: RegistryMeter;
}

type Parcel = Parameters<RegistryStore["post"]>[2];

/** See store-port.ts: each method is the store's of that name. */
export class RedisInboxes {
  readonly #parts: InboxParts;

  constructor(parts: InboxParts) {
    this.#parts = parts;
  }

  async post(partition: Partition, to: Incarnation, parcel: Parcel, deadlineMs: number) {
    const { keys: names, data, retention } = this.#parts;
    const { value, hasStray } = await data.callTelling("post", partition, deadlineMs, (client) =>
      client.cpgPost(
        names.fence(partition, to),
        names.inbox(partition, to),
        retention.inboxMaxLength,
        retention.inboxLifeMs,
        names.wake(partition, to),
        parcel.way,
        parcel.message,
      ),
    );
    return readPostReply(value, hasStray);
  }

  async handOver(
    keys: readonly IdentityKey[],
    asker: Incarnation,
    content: string,
    deadlineMs: number,
  ): Promise<HandOverReply> {
    const partition = partitionOf(keys[0] ?? "");
    const { keys: names, data, retention } = this.#parts;
    const rows = keys.map((key) => names.row(partition, key));
    const { value, hasStray } = await data.callTelling("handOver", partition, deadlineMs, (client) =>
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
        content,
        ...keys,
      ),
    );
    const { reply, badRows } = readHandOverReply(value, keys, hasStray);
    if (badRows > 0) this.#parts.meter.badRows(badRows);
    return reply;
  }

  async read(partition: Partition, incarnation: Incarnation, afterId: string, deadlineMs: number) {
    const { keys, control } = this.#parts;
    const key = keys.inbox(partition, incarnation);
    const streams = await control.call("inbox", partition, deadlineMs, (client) =>
      client.xread("COUNT", inboxPage, "STREAMS", key, afterId),
    );
    const entries: InboxEntry[] = readEntries(streams?.[0]?.[1] ?? []);
    return entries;
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
