// What an edge writes that concerns the sessions of others: messages to them, and the end of a row that proved wrong.
//
// G1. A row whose owner is known to be dead is absent (R7), also when the message was delivered already: an incarnation that is judged dead
//     has no lease by its own clock, and delivers nothing without (edge, peer-owner.ts O2).

import type { IdentityKey } from "@cpg/ocpp";
import { RegistryError } from "../errors.ts";
import type { RegistryMeter } from "../meter.ts";
import type { Incarnation, SessionRow } from "../model.ts";
import type { HandOver, PeerContent, PeerMessage, PeerReply, Unsigned } from "../ownership-port.ts";
import { partitionOf } from "../partition.ts";
import type { RegistryStore } from "../store-port.ts";
import type { Time } from "../time.ts";
import type { Reaper } from "./reaper.ts";
import { checkContent, checkDeadline, checkMessage, checkRow } from "./arguments.ts";
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

  /** Errors: INBOX_FULL. */
  async send(to: string, message: Unsigned<PeerMessage>, deadlineMs: number): Promise<boolean> {
    checkDeadline("deadlineMs", deadlineMs);
    checkMessage(to, message);
    return this.#lay(partitionOf(message.key), to as Incarnation, this.#signed(message), deadlineMs);
  }

  /** Errors: INBOX_FULL. */
  async tell(to: string, reply: Unsigned<PeerReply>, deadlineMs: number): Promise<boolean> {
    checkDeadline("deadlineMs", deadlineMs);
    checkMessage(to, reply);
    const { store, time } = this.#context;
    const [partition, receiver, text] = [partitionOf(reply.key), to as Incarnation, this.#signed(reply)];
    const endMs = time.monotonicMs() + deadlineMs;
    if (await store.tell(partition, receiver, text, deadlineMs)) return true;
    return this.#lay(partition, receiver, text, endMs - time.monotonicMs());
  }

  /** Errors: INBOX_FULL. */
  async handOver(keys: readonly IdentityKey[], content: PeerContent, deadlineMs: number): Promise<HandOver> {
    checkDeadline("deadlineMs", deadlineMs);
    checkContent(keys, content);
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
    checkRow(row);
    const { store, meter, callDeadlineMs } = this.#context;
    const release = { key: row.key, connection: row.connection, epoch: row.epoch, cause: "stale" as const };
    const [outcome] = await store.release(partitionOf(row.key), row.incarnation, [release], callDeadlineMs);
    if (outcome === "ended") meter.staleRoute();
    else meter.conditionalMiss("purge");
  }

  async #lay(...[partition, to, text, deadlineMs]: Parameters<RegistryStore["post"]>): Promise<boolean> {
    const outcome = await this.#context.store.post(partition, to, text, deadlineMs);
    if (outcome === "full") throw inboxFull(to);
    return outcome === "delivered";
  }

  #signed(message: Unsigned<PeerMessage>): string {
    return writeMessage({ ...message, from: this.#context.ownIncarnation() });
  }
}

const inboxFull = (to: string): RegistryError =>
  new RegistryError("INBOX_FULL", `the inbox of ${to} is full: that edge does not read it`, {
    retryable: true,
  });
