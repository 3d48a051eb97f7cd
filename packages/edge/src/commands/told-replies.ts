// What this edge replied to other edges lately, so that a question that is asked again gets the same answer. Pure: the caller brings the time.
//
// T1. A reply goes by the channel, where it may be lost (Ownership.tell). Whoever misses it asks again; then it goes by the inbox.
// T2. Kept for `keptMs` and within `maxUnits` (UTF-16), the oldest go first: what is not there any more is not repeated, and its caller hears
//     nothing, as before it asked again.

import { Fifo } from "../fifo.ts";

/** The way of a reply. */
export type Way = "channel" | "inbox";

/** The memory of one edge. */
export interface ToldReplies {
  /** A question was taken on. Each is ended once. */
  begin(id: string): void;
  /** Its reply is on its way; says which way that is. `nowMs` is monotonic. */
  end(id: string, body: string, nowMs: number): Way;
  /** It was asked again: the reply to repeat, by the inbox. Undefined: it is not there yet (and will go by the inbox), or not any more. */
  again(id: string): string | undefined;
}

interface Kept {
  readonly id: string;
  readonly body: string;
  readonly untilMs: number;
}

/** Makes an empty memory. */
export function createToldReplies(bounds: {
  readonly keptMs: number;
  readonly maxUnits: number;
}): ToldReplies {
  /** Whether it was asked again. */
  const open = new Map<string, boolean>();
  const kept = new Map<string, Kept>();
  const inOrder = new Fifo<Kept>();
  let units = 0;

  function makeRoom(nowMs: number): void {
    for (let oldest = inOrder.oldest; oldest !== undefined; oldest = inOrder.oldest) {
      if (nowMs < oldest.untilMs && units <= bounds.maxUnits) return;
      inOrder.shift();
      kept.delete(oldest.id);
      units -= oldest.body.length;
    }
  }

  return {
    begin: (id) => void open.set(id, false),
    end(id, body, nowMs) {
      const wasAskedAgain = open.get(id) ?? false;
      open.delete(id);
      if (wasAskedAgain) return "inbox";
      const one = { id, body, untilMs: nowMs + bounds.keptMs };
      kept.set(id, one);
      inOrder.push(one);
      units += body.length;
      makeRoom(nowMs); // T2
      return "channel";
    },
    again(id) {
      if (open.has(id)) open.set(id, true);
      return kept.get(id)?.body;
    },
  };
}
