// What an edge writes that concerns the sessions of others: messages to them, and the end of a row that proved wrong.
//
// G1. A row whose owner is known to be dead is absent (R7), also when the message was delivered already: an incarnation that is judged dead
//     has no lease by its own clock, and delivers nothing without (edge, peer-owner.ts O2).

import type { IdentityKey } from "@cpg/ocpp";
import { RegistryError } from "../errors.ts";
import type { RegistryMeter } from "../meter.ts";
import type { Incarnation, SessionRow } from "../model.ts";
import type { HandOver, PeerContent, PeerMessage, Way } from "../ownership-port.ts";
import { partitionOf } from "../partition.ts";
import type { RegistryStore } from "../store-port.ts";
import type { Time } from "../time.ts";
import type { Reaper } from "./reaper.ts";
import { writeContent, writeMessage } from "./peer-message.ts";

/** What posting needs. */
export interface PostingContext {
  readonly store: Pick<RegistryStore, "post" | "tell" | "handOver" | "release">;
  readonly time: Pick<Time, "monotonicMs">;
  readonly meter: Pick<RegistryMeter, "staleRoute" | "conditionalMiss">;
  readonly callDeadlineMs: number;
  readonly ownIncarnation: () => Incarnation;
  readonly reaper: Pick<Reaper, "isDead">;
}

/** See the head of this file. */
export class Posting {
  readonly #context: PostingContext;

  constructor(context: PostingContext) {
    this.#context = context;
  }

  /** `false`: the receiver is dead. Errors: INBOX_FULL. */
  async send(to: string, message: Omit<PeerMessage, "from">, way: Way, deadlineMs: number): Promise<boolean> {
    const { store, time, ownIncarnation } = this.#context;
    const partition = partitionOf(message.key);
    const receiver = to as Incarnation;
    const text = writeMessage({ ...message, from: ownIncarnation() });
    const endMs = time.monotonicMs() + deadlineMs;
    if (way === "channel" && (await store.tell(partition, receiver, text, deadlineMs))) return true;
    const outcome = await store.post(partition, receiver, text, endMs - time.monotonicMs());
    if (outcome === "full") throw inboxFull(to);
    return outcome === "delivered";
  }

  /** Errors: INBOX_FULL. */
  async handOver(keys: readonly IdentityKey[], content: PeerContent, deadlineMs: number): Promise<HandOver> {
    const { store, meter, ownIncarnation, reaper } = this.#context;
    const asker = ownIncarnation();
    const reply = await store.handOver(keys, asker, writeContent(content, asker), deadlineMs);
    if (reply.kind === "absent") return reply;
    const { kind, row } = reply;
    if (reaper.isDead(row.incarnation)) {
      meter.staleRoute();
      return { kind: "absent" }; // G1
    }
    if (kind === "full") throw inboxFull(row.incarnation);
    return { kind: kind === "delivered" ? "sent" : kind, row };
  }

  /** R5: ended only if the row still says what was looked up. */
  async purge(row: SessionRow): Promise<void> {
    const { store, meter, callDeadlineMs } = this.#context;
    const release = { key: row.key, connection: row.connection, epoch: row.epoch, cause: "stale" as const };
    const [outcome] = await store.release(partitionOf(row.key), row.incarnation, [release], callDeadlineMs);
    if (outcome === "ended") meter.staleRoute();
    else meter.conditionalMiss("purge");
  }
}

const inboxFull = (to: string): RegistryError =>
  new RegistryError("INBOX_FULL", `the inbox of ${to} is full: that edge does not read it`, {
    retryable: true,
  });
