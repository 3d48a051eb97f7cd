// What keeps a value from outside from being written again: nesting, and numbers that were not read. Pure.
//
// JSON.parse reads any depth, but JSON.stringify is recursive: some 5,000 levels, which fit into 10 KB, overflow the stack.
// Whoever writes again what a peer wrote asks here first; what passes as text (the payload of a CALL) need not.

/** Deepest nesting that is written again. OCPP's own payloads have 8 levels; a vendor's data may have some more. */
export const maxJsonDepth = 100;

/** Whether a value that JSON.parse has made nests deeper than `maxJsonDepth`. Takes no stack itself. */
export function isTooDeep(value: unknown): boolean {
  let level = [value].filter(isNested);
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth === maxJsonDepth) return true;
    level = level.flatMap((nested) => Object.values(nested).filter(isNested));
  }
  return false;
}

/** Whether a number in it was too great to be read (1e999): written again it would be null. Takes no stack itself. */
export function hasInfinity(value: unknown): boolean {
  for (let level = [value]; level.length > 0; level = level.filter(isNested).flatMap(Object.values))
    if (level.some((each) => each === Infinity || each === -Infinity)) return true;
  return false;
}

function isNested(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
