// The process's wall clock, which stamps what is sent to a collector. The one file of this package that touches it.

/** Milliseconds since 1970. For people and for time stamps, never for decisions. */
export function wallMs(): number {
  return Date.now();
}
