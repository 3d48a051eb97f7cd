// Who may use something of which there is a bounded number, and who waits for it, first come first served. No clock.
//
// M1. At most `max` are held. One that is given back goes to who has waited longest, without being free in between: nobody
//     who comes meanwhile takes it.
// M2. Waiting ends at the waiter's expiry. What is waited for is never taken later.
// M3. The line has no bound of its own: its users bound it. A CALL's first attempt comes when one is free (turns.ts); so those in line are tried again.
//     Who gave up keeps a place, and nothing but that, until its turn comes.

import { Fifo } from "../fifo.ts";
import type { Expiry } from "../until-deadline.ts";

interface Waiter {
  readonly admit: () => void;
  /** Gave up, and is passed over when its turn comes. */
  hasLeft: boolean;
}

/** A number of permits and the line for them. */
export class Permits {
  readonly max: number;
  readonly #onHeld: (held: number) => void;
  readonly #line = new Fifo<Waiter>();
  #held = 0;

  /** `onHeld` hears of each change. */
  constructor(max: number, onHeld: (held: number) => void) {
    this.max = max;
    this.#onHeld = onHeld;
  }

  get isFree(): boolean {
    return this.#held < this.max;
  }

  /** Takes one if one is free. */
  take(): boolean {
    if (!this.isFree) return false; // M1
    this.#onHeld((this.#held += 1));
    return true;
  }

  /** Waits for one, when none is free. False: the expiry came first (M2). */
  wait(expiry: Expiry): Promise<boolean> {
    if (expiry.isOver) return Promise.resolve(false);
    return new Promise((resolve) => {
      const admit = (): void => {
        expiry.listen(undefined);
        resolve(true);
      };
      const waiter: Waiter = { admit, hasLeft: false };
      this.#line.push(waiter);
      expiry.wait(() => {
        waiter.hasLeft = true;
        resolve(false);
      });
    });
  }

  /** Gives one back. */
  release(): void {
    const next = this.#next();
    if (next === undefined) this.#onHeld((this.#held -= 1));
    else next.admit(); // M1
  }

  #next(): Waiter | undefined {
    let next = this.#line.shift();
    while (next?.hasLeft === true) next = this.#line.shift();
    return next;
  }
}
