// Which keys stand twice in a JSON document. Pure.
//
// Of two values under one key JSON.parse takes the last and says nothing: after a merge gone wrong half of what was written
// would be ignored in silence.

interface Open {
  /** Keys so far; undefined in an array. */
  readonly keys: Set<string> | undefined;
  /** The one whose value is being read. */
  key: string;
}

/** Keys that one object has twice, with those above them: `redis.nodes`. Of a text that JSON.parse has read. */
export function repeatedKeys(json: string): readonly string[] {
  const found: string[] = [];
  const open: Open[] = [];
  let word = "";
  for (const [token] of json.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:]/g)) {
    const inner = open.at(-1);
    if (token === "{") open.push({ keys: new Set(), key: "" });
    else if (token === "[") open.push({ keys: undefined, key: "[]" });
    else if (token === "}" || token === "]") open.pop();
    else if (token !== ":") word = token;
    else if (inner?.keys !== undefined) {
      inner.key = String(JSON.parse(word)); // without its escapes: "a" is "\u0061"
      if (inner.keys.has(inner.key)) found.push(open.map(({ key }) => key).join("."));
      inner.keys.add(inner.key);
    }
  }
  return found;
}
