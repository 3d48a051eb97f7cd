// Time and chance as ports. The one file of this package that touches the process's clocks and timers.

/** A pending timer. */
export interface Timer {
  cancel(): void;
}

/** The clocks and timers a component may use. */
export interface Time {
  /** Milliseconds since an arbitrary start; never goes back; stands still for no reason but the host's suspension. */
  monotonicMs(): number;
  /** Wall clock, ms since 1970. For people and for events' texts, never for decisions. */
  wallMs(): number;
  after(delayMs: number, run: () => void): Timer;
  every(intervalMs: number, run: () => void): Timer;
}

/** A source of chance: `next()` is in [0, 1). */
export interface Random {
  next(): number;
}

/** The process's own clocks. Its timers do not keep the process alive: only sockets and servers do. */
export const systemTime: Time = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
  every(intervalMs, run) {
    const timer = setInterval(run, intervalMs);
    timer.unref();
    return { cancel: () => clearInterval(timer) };
  },
};

/** The process's own source of chance. */
export const systemRandom: Random = { next: () => Math.random() };

/** Runs after the present turn of the event loop, so that what one turn brings travels together. */
export type Soon = (run: () => void) => void;

/** The process's own. */
export const systemSoon: Soon = (run) => {
  setImmediate(run);
};
