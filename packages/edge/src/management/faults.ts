// Turns a validator's findings into one sentence that says what to change. Pure.

/** What a validator found; the shape is ajv's, which TypeBox's compiler shares. */
interface Finding {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly message?: string;
}

const maxNamed = 5;

/** Explains the findings about one part of a request (`body`, `querystring`, …). */
export function explainFaults(part: string | undefined, findings: readonly Finding[]): string {
  const where = part === "querystring" ? "query" : (part ?? "request");
  // An unknown field is told twice: by its name, and as a value that no schema allows.
  const telling = findings.filter(({ keyword }) => keyword !== "boolean");
  const said = new Set(
    (telling.length > 0 ? telling : findings)
      .slice(0, maxNamed)
      .map((finding) => `${explain(where, finding)}.`),
  );
  return [...said].join(" ");
}

function explain(where: string, finding: Finding): string {
  const field = finding.instancePath.replace(/^\//, "").replaceAll("/", ".");
  const place = field === "" ? `The ${where}` : `${where}.${field}`;
  switch (finding.keyword) {
    case "additionalProperties":
      return `${place} has unknown fields: ${names(finding.params["additionalProperties"])}`;
    case "required":
      return `${place} lacks: ${names(finding.params["requiredProperties"])}`;
    default:
      return `${place} ${finding.message ?? "is not valid"}`;
  }
}

function names(value: unknown): string {
  const list = Array.isArray(value) ? value.map(String) : [];
  return list.slice(0, maxNamed).join(", ") || "?";
}
