// What the loops that carry claims and releases (partition-loop.ts) need around them, and what all of them share.

import type { Epoch, Incarnation } from "../model.ts";
import type { RetrySettings } from "../policy/retry.ts";
import type { Claimant, RegistryStore } from "../store-port.ts";
import type { Random, Soon, Time } from "../time.ts";
import type { Book, Entry, Successor } from "./book.ts";
import { Pacer } from "./pacer.ts";
import { Surge } from "./surge.ts";

/** What a loop needs around it. */
export interface LoopContext {
  readonly store: RegistryStore;
  readonly book: Book;
  readonly pacer: Pacer;
  readonly surge: Surge;
  readonly time: Time;
  readonly random: Random;
  readonly soon: Soon;
  readonly retry: RetrySettings;
  readonly maxClaimsPerCall: number;
  readonly gatherMs: number;
  readonly callDeadlineMs: number;
  /** Who claims; undefined while there is no confirmed lease (an edge that died so early would never be reaped). */
  claimant(): Claimant | undefined;
  granted(entry: Entry, epoch: Epoch): void;
  superseded(entry: Entry, by: Successor): void;
  /** The store says that this incarnation is dead. */
  fenced(incarnation: Incarnation): void;
  /** A release found its row (`ended`) or not. */
  released(entry: Entry, ended: boolean): void;
  /** Rows without a socket were found and ended. */
  reconciled(rows: number): void;
}

/** What all loops of an edge share to keep their calls in bounds (O1, O4 of partition-loop.ts). */
export function flowOf(
  settings: { readonly replayPerSecond: number },
  time: Time,
): Pick<LoopContext, "pacer" | "surge"> {
  return { pacer: new Pacer(settings.replayPerSecond, time), surge: new Surge(time) };
}
