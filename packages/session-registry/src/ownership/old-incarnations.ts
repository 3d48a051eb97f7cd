// The incarnations that an edge had before its present one, as far as one partition still owes them something (O5, O9 of partition-loop.ts).

import type { Incarnation } from "../model.ts";
import type { Partition } from "../partition.ts";
import type { RegistryStore } from "../store-port.ts";
import { endRows } from "./end-rows.ts";

/** See the head of this file. */
export class OldIncarnations {
  readonly #partition: Partition;
  readonly #context: { readonly store: RegistryStore; readonly callDeadlineMs: number };
  readonly #toFence = new Set<Incarnation>();
  readonly #toEmpty = new Set<Incarnation>();

  constructor(
    partition: Partition,
    context: { readonly store: RegistryStore; readonly callDeadlineMs: number },
  ) {
    this.#partition = partition;
    this.#context = context;
  }

  add(old: Incarnation): void {
    this.#toFence.add(old);
    this.#toEmpty.add(old);
  }

  /** Whether one of them may still claim here (O5). */
  get areLoose(): boolean {
    return this.#toFence.size > 0;
  }

  /** Whether rows or names of one of them may be left here (O9). */
  get mayHold(): boolean {
    return this.#toEmpty.size > 0;
  }

  async fence(): Promise<void> {
    const { store, callDeadlineMs } = this.#context;
    for (const old of this.#toFence) {
      await store.fence(this.#partition, old, 0, callDeadlineMs); // O5
      this.#toFence.delete(old);
    }
  }

  /** To be called when nothing is held under them any more. One that is added meanwhile is left alone. Returns how many rows were ended. */
  async empty(): Promise<number> {
    const present = new Set(this.#toEmpty);
    let ended = 0;
    for (const old of present) {
      ended += await endRows(this.#partition, old, "edge-fenced", this.#context); // O9
      this.#toFence.delete(old);
      this.#toEmpty.delete(old);
    }
    return ended;
  }
}
