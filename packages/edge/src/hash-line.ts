// Who has a slow hash computed now, who waits for that, and who is turned away. Pure: no timers, no I/O, the hash is given.
//
// H1. At most `atATime` are computed, and at most `waiting` wait.
// H2. Who came last is next. Once the wait is longer than the patience of stations, who came first is always who is about to
//     give up: in that order a storm never ends, each hash is done for somebody who has just left. Who came last has
//     all of its patience left, whatever that is and however slow the machine; who waits in vain is the newest when it tries again.
// H3. Who leaves while it waits gives its place back at once: nothing is computed for it, and nobody is refused for its sake.
// H4. One credential has at most `ofOne` of all these, so that guesses at one key do not keep everybody else out.
// H5. Every way out gives back what was held: an end, a failure, a peer that left.

/** Who asked, as far as the line needs it. */
export interface Peer {
  /** Its socket is gone: nobody is left to be answered. */
  readonly isGone: boolean;
  /** Has `run` called once when that happens, instead of what was given before. */
  onGone(run: () => void): void;
}

/** See H1 and H4. */
export interface HashLineBounds {
  readonly atATime: number;
  readonly waiting: number;
  readonly ofOne: number;
}

type Turn = (isHeld: boolean) => void;

/** The bounded line of one edge. */
export class HashLine {
  readonly #bounds: HashLineBounds;
  readonly #waiting: Turn[] = []; // who came last stands last (H2)
  readonly #places = new Map<object, number>(); // H4
  #computed = 0;

  constructor(bounds: HashLineBounds) {
    this.#bounds = bounds;
  }

  /** Computes when it is the peer's turn. `full`: no room, told at once. `gone`: the peer left, before or meanwhile. */
  compute<T>(credential: object, peer: Peer, work: () => Promise<T>): Promise<T | "gone"> | "full" {
    const places = this.#places.get(credential) ?? 0;
    if (places >= this.#bounds.ofOne) return "full"; // H4
    if (!this.#isFree && this.#waiting.length >= this.#bounds.waiting) return "full"; // H1
    this.#places.set(credential, places + 1);
    return this.#pass(peer, work).finally(() => this.#leave(credential)); // H5
  }

  async #pass<T>(peer: Peer, work: () => Promise<T>): Promise<T | "gone"> {
    if (this.#isFree) this.#computed += 1;
    else if (!(await this.#wait(peer))) return "gone";
    try {
      if (peer.isGone) return "gone";
      const made = await work();
      return peer.isGone ? "gone" : made;
    } finally {
      this.#handOn(); // H5
    }
  }

  /** False: the peer left first. */
  #wait(peer: Peer): Promise<boolean> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      peer.onGone(() => {
        const at = this.#waiting.indexOf(resolve);
        if (at < 0) return; // it has its turn
        this.#waiting.splice(at, 1); // H3
        resolve(false);
      });
    });
  }

  // To the next without being free in between: nobody who comes meanwhile takes it (H1).
  #handOn(): void {
    const next = this.#waiting.pop(); // H2
    if (next === undefined) this.#computed -= 1;
    else next(true);
  }

  #leave(credential: object): void {
    const left = (this.#places.get(credential) ?? 0) - 1;
    if (left > 0) this.#places.set(credential, left);
    else this.#places.delete(credential);
  }

  get #isFree(): boolean {
    return this.#computed < this.#bounds.atATime;
  }
}
