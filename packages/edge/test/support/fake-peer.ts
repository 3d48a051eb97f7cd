// Who asked to come in, and leaves when the test says so.

import type { Peer } from "../../src/hash-line.ts";

export class FakePeer implements Peer {
  isGone = false;
  #onGone: (() => void) | undefined;

  onGone(run: () => void): void {
    this.#onGone = run;
  }

  leave(): void {
    this.isGone = true;
    this.#onGone?.();
  }
}
