// A classic connection pool: whoever holds a connection holds it alone; who waits too long gets none. Uses a timer per waiter.

/** Lends things. */
export class ClassicPool<T> {
  readonly #free: T[];
  readonly #timeoutMs: number;
  readonly #waiting = new Set<(thing: T) => void>();

  constructor(things: readonly T[], timeoutMs: number) {
    this.#free = [...things];
    this.#timeoutMs = timeoutMs;
  }

  /** One of them, or undefined after the timeout. */
  acquire(): Promise<T | undefined> {
    const thing = this.#free.pop();
    if (thing !== undefined) return Promise.resolve(thing);
    return new Promise((resolve) => {
      const take = (given: T): void => {
        clearTimeout(timer);
        resolve(given);
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(take);
        resolve(undefined);
      }, this.#timeoutMs);
      this.#waiting.add(take);
    });
  }

  /** Gives it to who waits longest. */
  release(thing: T): void {
    const [first] = this.#waiting;
    if (first === undefined) {
      this.#free.push(thing);
      return;
    }
    this.#waiting.delete(first);
    first(thing);
  }
}
