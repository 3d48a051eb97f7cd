// Handles of labelled series, for whoever counts on a hot path. Pure.

/** Resolves a handle of the meter at its first use and keeps it: whoever counts then adds to a number (@cpg/telemetry, meter.ts M1). */
export function handles<L extends string, H>(resolve: (label: L) => H): (label: L) => H {
  const known = new Map<L, H>();
  return (label) => {
    const found = known.get(label);
    if (found !== undefined) return found;
    const made = resolve(label);
    known.set(label, made);
    return made;
  };
}
