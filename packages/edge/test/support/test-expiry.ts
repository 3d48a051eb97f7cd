// The end of a caller's patience, when the test says so.

import type { Expiry } from "../../src/until-deadline.ts";

export class TestExpiry implements Expiry {
  isOver = false;
  readonly leftMs = 60_000;
  #run: (() => void) | undefined;
  listen(run: (() => void) | undefined): void {
    this.#run = run;
  }
  wait(run: () => void): void {
    this.listen(run);
  }
  begin(): void {}
  end(): void {
    this.isOver = true;
    this.#run?.();
  }
}
