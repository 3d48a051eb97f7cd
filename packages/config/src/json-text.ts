// Reads the text of a JSON document that a person wrote: settings, routes, credentials. Pure.
//
// J1. What JSON.parse says of a broken text is not repeated: it quotes the text, and that may be a secret. Only its place is told.
// J2. Of two values under one key JSON.parse takes the last and says nothing: after a merge gone wrong half of what was
//     written would be ignored in silence.

/** What was read. */
export type JsonRead =
  /** `repeated`: keys that one object has twice, with those above them: `redis.nodes` (J2). */
  | { readonly kind: "json"; readonly value: unknown; readonly repeated: readonly string[] }
  /** `place`: ` (line 3 column 1)`, where it is known (J1). */
  | { readonly kind: "broken"; readonly place: string };

/** Reads it; a byte order mark before it is none of its business. */
export function readJsonText(text: string): JsonRead {
  const json = text.replace(/^\uFEFF/, "");
  try {
    const value: unknown = JSON.parse(json);
    return { kind: "json", value, repeated: repeatedKeys(json) };
  } catch (error) {
    const place = /line \d+ column \d+/.exec(error instanceof Error ? error.message : "")?.[0];
    return { kind: "broken", place: place === undefined ? "" : ` (${place})` }; // J1
  }
}

interface Open {
  /** Keys so far; undefined in an array. */
  readonly keys: Set<string> | undefined;
  /** The one whose value is being read. */
  key: string;
}

/** J2. Of a text that JSON.parse has read. */
function repeatedKeys(json: string): readonly string[] {
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
