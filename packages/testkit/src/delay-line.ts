// One direction of one proxied connection: bytes come in, and go out in the same order, each after its delay.
// I/O: writes to the socket it was given. Uses the real clock.
//
// L1. Order is kept whatever happens to the delay: nothing leaves before what came earlier.
// L2. Delay is not throughput: bytes that come together leave together, however long the delay.
// L3. While it is stalled nothing leaves, the end of the stream neither.

import type { Socket } from "node:net";

/** One direction. `end()` is the sender's FIN, delivered in its turn. */
export type DelayLine = {
  readonly push: (bytes: Buffer) => void;
  readonly end: () => void;
  /** Look again: the stall was lifted. */
  readonly wake: () => void;
  /** Forget what is held. */
  readonly drop: () => void;
};

/** What the line asks each time: `delayMs` for bytes that arrive now, `stalled` for bytes that would leave now. */
export type LineConditions = { readonly delayMs: () => number; readonly stalled: () => boolean };

type Held = { readonly bytes: Buffer | undefined; readonly dueAt: number };

/** Above this much held, the sender is not read any further (TCP then slows it down). */
const maxHeldBytes = 8 * 1024 * 1024;

/** Joins `from` (paused when too much is held) to `to`. `delivered` hears of bytes that have left. */
export function delayLine(
  from: Socket,
  to: Socket,
  conditions: LineConditions,
  delivered: (bytes: number) => void,
): DelayLine {
  const held: Held[] = [];
  let heldBytes = 0;
  let lastDueAt = 0;
  let timer: NodeJS.Timeout | undefined;
  let full = false; // the receiver's own buffer

  const hold = (bytes: Buffer | undefined): void => {
    lastDueAt = Math.max(lastDueAt, performance.now() + conditions.delayMs()); // L1
    held.push({ bytes, dueAt: lastDueAt });
    heldBytes += bytes?.length ?? 0;
    if (heldBytes > maxHeldBytes) from.pause();
    pump();
  };

  const pump = (): void => {
    clearTimeout(timer);
    for (let head = held[0]; head !== undefined; head = held[0]) {
      if (conditions.stalled() || full || to.destroyed) return; // L3
      const wait = head.dueAt - performance.now();
      if (wait > 0) {
        timer = setTimeout(pump, Math.ceil(wait));
        return;
      }
      held.shift();
      deliver(head.bytes); // L2
    }
    if (from.isPaused()) from.resume();
  };

  const deliver = (bytes: Buffer | undefined): void => {
    if (bytes === undefined) {
      to.end();
      return;
    }
    heldBytes -= bytes.length;
    delivered(bytes.length);
    if (to.write(bytes)) return;
    full = true;
    to.once("drain", () => {
      full = false;
      pump();
    });
  };

  return {
    push: hold,
    end: () => hold(undefined),
    wake: pump,
    drop: () => {
      clearTimeout(timer);
      held.length = 0;
    },
  };
}
