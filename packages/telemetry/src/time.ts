// The process's wall clock, which stamps what is sent to a collector, and the chance that samples traces. The one file of this
// package that touches them.

/** Milliseconds since 1970. For people and for time stamps, never for decisions. */
export function wallMs(): number {
  return Date.now();
}

/** From [0, 1). */
export function chance(): number {
  return Math.random();
}
