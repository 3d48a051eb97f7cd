// Sockets that this edge has ended and whose descriptors are not free yet. Pure: it is told when time has passed.
//
// uWebSockets.js sends a close frame only by `ws.end`, and then keeps the descriptor until the peer's FIN comes, at most for four sweeps of
// its 4 s timer. A half-open peer never answers; nothing can be done to the socket any more, and nobody is told when it is free. A fleet that
// comes back on new sockets after an outage would need each descriptor twice, and an edge without descriptors neither accepts nor answers.
//
// E1. An end takes a place. While none is free a socket is ended without a close frame, which frees its descriptor at once: the charge
//     points' sockets hold at most `listen.maxConnections` descriptors and one for each place. A socket that is superseded after an outage
//     has nobody at its other end, so a close frame is what can be spared; refusing the newcomer instead would make the outage longer.
// E2. A place is free again at the fifth tick. Ticks have the period of the sweeps, on the same event loop: between two ticks lies a sweep,
//     however late the loop runs. So four lie between the first tick and the fifth.
// E3. Bytes that the kernel has not taken would prolong it: uWebSockets.js waits anew whenever the peer has taken some. So the socket is
//     ended when they are gone, with a place of its own (E1), or without a close frame at the fourth tick, before its place is another's.
// E4. A draining edge lets nobody in, and an end makes of an open socket a lingering one: the sum stays, and all get their close frame.
// E5. Who sent a close frame itself is there to close its side. It is not counted: to do so would refuse a fleet that leaves in order and
//     comes back, whose descriptors are free after one round trip.
// E6. An edge that is not full lends half of its spare connections as places: an edge that wakes up and finds hundreds of its charge points
//     elsewhere tells each of them so. Until those are free they count as connections at admission (`lent`), or newcomers and lent places
//     together would break the sum of E1. The other half is there for newcomers in any case.

/** A socket that has to send something before its close frame. */
export interface Waiting {
  /** Ends it without. */
  abort(): void;
}

/** What bounds them. */
export interface LingeringPorts {
  readonly places: number;
  readonly maxConnections: number;
  /** Sockets that are open. */
  readonly connections: () => number;
  readonly isDraining: () => boolean;
}

/** Milliseconds from tick to tick: the period of uWebSockets.js' sweeps (E2). */
export const tickMs = 4_000;
const sweeps = 4;

/**
 * Places for an edge of so many connections. A fortieth, 450 of 18,000: a quarter of the tenth of the descriptors that stays for everything
 * else, and 22 ends a second for ever. Sixteen in a small edge, which has descriptors to spare.
 */
export function placesFor(maxConnections: number): number {
  return Math.max(16, Math.floor(maxConnections / 40));
}

/** The lingering sockets of one edge. */
export class Lingering {
  readonly #ports: LingeringPorts;
  /** Places taken since the last tick, since the one before, and so on; a ring. */
  readonly #byTick: number[] = Array.from({ length: sweeps + 1 }, () => 0);
  #at = 0;
  #taken = 0;
  /** With the ticks that each has seen (E3). */
  readonly #waiting = new Map<Waiting, number>();

  constructor(ports: LingeringPorts) {
    this.#ports = ports;
  }

  /** Places in use beyond the edge's own: connections, as far as admission is concerned (E6). */
  get lent(): number {
    return Math.max(0, this.#taken - this.#ports.places);
  }

  /** Takes a place, if there is one: true means that the socket may be ended with a close frame (E1, E4). */
  take(): boolean {
    const { places, maxConnections, connections, isDraining } = this.#ports;
    if (isDraining()) return true;
    const lendable = Math.max(0, Math.floor((maxConnections - connections()) / 2));
    if (this.#taken >= places + lendable) return false; // E6
    this.#taken += 1;
    this.#byTick[this.#at] = (this.#byTick[this.#at] ?? 0) + 1;
    return true;
  }

  /** A socket that took a place waits (E3). */
  wait(socket: Waiting): void {
    this.#waiting.set(socket, 0);
  }

  /** It waits no more. */
  waited(socket: Waiting): void {
    this.#waiting.delete(socket);
  }

  /** `tickMs` have passed. */
  tick(): void {
    this.#at = (this.#at + 1) % this.#byTick.length;
    this.#taken -= this.#byTick[this.#at] ?? 0; // E2
    this.#byTick[this.#at] = 0;
    for (const [socket, ticks] of this.#waiting) {
      if (ticks + 1 < sweeps) this.#waiting.set(socket, ticks + 1);
      else socket.abort(); // E3; it says that it waits no more
    }
  }
}
