// What V8 is told about the life of an edge, which rests for hours and is then met by a storm (bench/README.md, *History*).
//
// V1. Its old generation may double before all of it is marked again, for as much memory at most as lives at the time. At rest V8 lets it
//     grow by a fifth or so, and every storm paid for a collection or two.
// V2. It is not collected for having nothing to do, and what has not run lately stays compiled: such a collection drops the optimized code
//     of all that is not in use at that moment, and the next storm meets the interpreter. V8 may begin none of them: whether it watches
//     for a chance to (`--no-memory-reducer`) is settled before a program runs.
// V3. What a CALL needs is never made in the old generation. V8 does that to all that a literal makes once most of it has survived a
//     collection, as in a crowd the lists of CALLs' headers had. From then on each such list, and the texts in it, would be garbage that only
//     a collection of the whole heap finds.

import { setFlagsFromString } from "node:v8";

const flags = [
  "--heap-growing-percent=100", // V1
  "--memory-reducer-gc-count=0", // V2
  "--no-flush-bytecode", // V2
  "--no-allocation-site-pretenuring", // V3
];

/** For the whole process, before it has much to do. */
export function tellV8(): void {
  for (const flag of flags) setFlagsFromString(flag);
}
