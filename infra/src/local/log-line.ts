// An edge's log, made readable: one line of pino JSON becomes one line for a person. Pure.

/** pino writes a number, or the label if so configured. Those to look at are in capitals. */
const levels: Readonly<Record<string, string>> = {
  10: "trace",
  20: "debug",
  30: "info ",
  40: "WARN ",
  50: "ERROR",
  60: "FATAL",
  info: "info ",
  warn: "WARN ",
  error: "ERROR",
  fatal: "FATAL",
};

/** Said already by the prefix, or of no use on one machine. */
const hidden = new Set(["level", "time", "pid", "hostname", "msg", "name", "edge", "service"]);

/** Fields of a line that is no warning, in characters: enough for what is news, not for all settings. */
const maxFieldsLength = 240;

/** `12:00:01.234 edge-1 info  the message  key=value`. A line that is no pino JSON is shown as it is behind the prefix. */
export function readableLogLine(source: string, line: string): string {
  const entry = parse(line);
  if (entry === undefined) return `${source} ${line}`;
  const level = levels[String(entry["level"])] ?? String(entry["level"]);
  const fields = Object.entries(entry).filter(([key]) => !hidden.has(key));
  const rest = fields.map(([key, value]) => `${key}=${shown(value)}`).join(" ");
  const isWarning = level === level.toUpperCase();
  const kept = isWarning || rest.length <= maxFieldsLength ? rest : `${rest.slice(0, maxFieldsLength)}…`;
  return `${clock(entry["time"])} ${source} ${level} ${textOf(entry["msg"])}${kept === "" ? "" : `  ${kept}`}`;
}

function parse(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const entry: unknown = JSON.parse(line);
    return typeof entry === "object" && entry !== null && "level" in entry ? { ...entry } : undefined;
  } catch {
    return undefined;
  }
}

function clock(time: unknown): string {
  const date = new Date(typeof time === "number" || typeof time === "string" ? time : Number.NaN);
  return Number.isNaN(date.getTime()) ? "--:--:--.---" : date.toISOString().slice(11, 23);
}

function textOf(message: unknown): string {
  return typeof message === "string" ? message : "";
}

// One line stays one line: JSON escapes line ends (a stack trace is long, but whole).
function shown(value: unknown): string {
  if (typeof value === "string" && /^[\w.:/@+-]+$/u.test(value)) return value;
  return JSON.stringify(value) ?? String(value);
}
