// What a line of the log says of an error. Pure.
//
// L1. A Redis command's arguments are not written, at whatever depth: ioredis hangs the refused command on its errors, AUTH and HELLO with
//     the password included, and those errors on others (`lastNodeError`, `cause`, `errors`). The command's name is.
// L2. All else that helps is: type, message, stack, code, and the fields of the error and of those below it.
import { stdSerializers } from "pino";

/** An error below this many others tells nobody anything; it also ends what only looks endless. */
const maxDepth = 10;

/** A server that does not know a command repeats its arguments: HELLO's, before Redis 6 or where it is renamed. One line, says RESP. */
const repeatedArguments = /(with args beginning with:).*/g;

/** What JSON is made of for the error; `secretKeys` are masked at any depth. What is no error is written by the same rules. */
export function errorForLog(error: unknown, secretKeys: ReadonlySet<string>): unknown {
  return legible(error, { secretKeys, above: [] });
}

interface Place {
  readonly secretKeys: ReadonlySet<string>;
  /** The objects that this one is part of. */
  readonly above: readonly object[];
}

function legible(value: unknown, { secretKeys, above }: Place): unknown {
  if (typeof value === "string") return value.replace(repeatedArguments, "$1 [masked]"); // L1
  if (typeof value !== "object" || value === null) return value;
  if ("toJSON" in value && !(value instanceof Error)) return value;
  if (above.includes(value)) return "[circular]";
  if (above.length === maxDepth) return "[too deep]";
  const below = { secretKeys, above: [...above, value] };
  if (Array.isArray(value)) return value.map((each) => legible(each, below));
  const fields = value instanceof Error ? stdSerializers.err(value) : value; // L2: an error's own are not enumerable
  return Object.fromEntries(
    Object.entries(fields).map(([key, field]) => [
      key,
      key === "args" || secretKeys.has(key) ? "[masked]" : legible(field, below), // L1
    ]),
  );
}
