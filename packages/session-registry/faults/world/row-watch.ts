// Looks at rows again and again: a row that goes back or away without a `disconnected` event was erased. I/O: Redis, through the observer.

import type { Observer, SeenEvent } from "./observer.ts";
import { delay } from "./time.ts";

/** A row that was there, and then an older one or none. */
export interface Setback {
  readonly identity: string;
  readonly epoch: number;
  /** undefined: it is gone. */
  readonly laterEpoch: number | undefined;
}

const perLook = 500;

/** Watches the rows of `identities`, `perLook` of them each second. */
export class RowWatch {
  readonly setbacks: Setback[] = [];
  readonly #known = new Map<string, number>();
  readonly #observer: Observer;
  readonly #identities: readonly string[];
  #isStopped = false;

  constructor(observer: Observer, identities: readonly string[]) {
    this.#observer = observer;
    this.#identities = identities;
    void this.#run();
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** Those that no event explains. `events` must be later than the last look. */
  unexplained(events: readonly SeenEvent[]): Setback[] {
    const ended = new Set(
      events.filter(({ kind }) => kind === "disconnected").map((e) => `${e.identity} ${e.epoch}`),
    );
    return this.setbacks.filter(({ identity, epoch }) => !ended.has(`${identity} ${epoch}`));
  }

  async #run(): Promise<void> {
    for (let from = 0; !this.#isStopped; from = (from + perLook) % Math.max(1, this.#identities.length)) {
      await this.#look(this.#identities.slice(from, from + perLook)).catch(() => undefined); // Redis is away: no news
      await delay(1000);
    }
  }

  async #look(identities: readonly string[]): Promise<void> {
    const rows = await this.#observer.rows(identities);
    for (const identity of identities) {
      const [before, now] = [this.#known.get(identity), rows.get(identity)?.epoch];
      if (before !== undefined && (now === undefined || now < before)) {
        this.setbacks.push({ identity, epoch: before, laterEpoch: now });
      }
      if (now === undefined) this.#known.delete(identity);
      else this.#known.set(identity, now);
    }
  }
}
