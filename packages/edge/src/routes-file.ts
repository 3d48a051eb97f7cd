// Reads the routes file (ROUTES.md) into a plan. Pure: text in, plan or all mistakes out.
//
// F1. Every mistake is reported, with its place and the nearest known name (of integrations all, where none is near); a plan with one is no plan.
// F2. `stream` answers before any backend saw the message, so it is allowed only where the answer does not depend on
//     one: a known default, or an `answer` in the file. StartTransaction (1.6) is never allowed: its answer carries a
//     transactionId that somebody must have made and remembered.
// F3. What it says of a request can be sent, and what comes of it read: what cannot, undici would refuse at each CALL anew, and nobody would hear of it.
// F4. A clock is no answer but to Heartbeat: every charge point would be told nonsense.

import {
  actions,
  isTransactionMessage,
  mayChargePointSend,
  ocppVersions,
  subprotocolOf,
  type OcppVersion,
} from "@cpg/ocpp";
import { localHandlers, type LocalHandler } from "./integrations/local.ts";
import { isTooDeep, maxJsonDepth } from "./rewritable-json.ts";
import { hint, isObject, JsonReader, type JsonObject } from "./json-reader.ts";
import { specialRoutes } from "./router.ts";

/** A backend over HTTP. */
export interface HttpPlan {
  readonly type: "http";
  readonly name: string;
  readonly origin: string;
  readonly pathTemplate: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly deadlineMs: number | undefined;
  readonly maxConcurrent: number | undefined;
}

/** A Redis Stream. */
export interface StreamPlan {
  readonly type: "stream";
  readonly name: string;
  readonly partitions: number;
  readonly maxLength: number | undefined;
  readonly deadlineMs: number | undefined;
}

/** Answered at the edge. */
export interface LocalPlan {
  readonly type: "local";
  readonly name: string;
  readonly handler: LocalHandler;
}

/** An entry of `integrations`. */
export type IntegrationPlan = HttpPlan | StreamPlan | LocalPlan;

/** An entry of `routes`. */
export interface RoutePlan {
  /** `[subprotocol:]action`, or `$connect`, `$disconnect`, `$default`. */
  readonly key: string;
  readonly to: IntegrationPlan;
  readonly deadlineMs: number | undefined;
  /** Of a stream route: the payload that answers its CALLs; `"$now"` stands for the time. */
  readonly answer: JsonObject;
}

/** What was read. */
export type RoutesRead =
  | { readonly kind: "plan"; readonly routes: readonly RoutePlan[] }
  | { readonly kind: "invalid"; readonly problems: readonly string[] };

const deadlineBounds = [100, 600_000] as const;
const nameForm = { fits: /^[\w-]{1,32}$/, says: "1 to 32 letters, digits, _ or -" };
// F3. What the edge sets itself, what would have answers come packed, and what is the connection's: the last five undici refuses, or keeps for itself.
const takenHeaders =
  /^(?:ce-.*|cpg-.*|content-.*|accept-encoding|host|traceparent|connection|expect|keep-alive|transfer-encoding|upgrade)$/;
// F3. Behind the host all visible ASCII but # and \: it is sent as it stands here.
const urlForm = /^https?:\/\/[^/?#\s{}@\\]+(?:\/[!-"$-[\]-~]*)?$/;
// Actions whose CALLRESULT is, or may be, an empty object. Every other one needs an `answer` in the file.
const emptyAnswers: ReadonlySet<string> = new Set(
  (
    "MeterValues StatusNotification StopTransaction TransactionEvent FirmwareStatusNotification " +
    "DiagnosticsStatusNotification LogStatusNotification SecurityEventNotification SignedFirmwareStatusNotification " +
    "NotifyEvent NotifyReport NotifyMonitoringReport NotifyDisplayMessages NotifyChargingLimit " +
    "NotifyCustomerInformation NotifyDERAlarm NotifyDERStartStop NotifyPriorityCharging NotifyPeriodicEventStream " +
    "ClearedChargingLimit ReportChargingProfiles ReportDERControl ReservationStatusUpdate " +
    "PublishFirmwareStatusNotification $connect $disconnect"
  ).split(" "),
);

/** Reads the text of a routes file. */
export function readRoutes(text: string): RoutesRead {
  const reader = new JsonReader();
  const file = reader.document(text, ["integrations", "routes"]);
  const integrations = readIntegrations(file?.["integrations"] ?? {}, reader);
  const routes = readRouteTable(file?.["routes"] ?? {}, integrations, reader);
  if (reader.problems.length > 0) return { kind: "invalid", problems: reader.problems }; // F1
  return { kind: "plan", routes };
}

// A name whose entry is wrong maps to undefined: it is known, so its routes are not mistakes as well.
type Integrations = ReadonlyMap<string, IntegrationPlan | undefined>;

function readIntegrations(value: unknown, reader: JsonReader): Integrations {
  const entries = reader.object(value, "integrations") ?? {};
  return new Map(
    Object.entries(entries).map(([name, entry]) => {
      const at = `integrations.${name}`;
      const named = reader.text(name, at, { ...nameForm, says: `called by ${nameForm.says}` });
      const plan = isObject(entry)
        ? readIntegration(name, entry, reader)
        : reader.problem(at, "must be an object");
      return [name, named === undefined ? undefined : plan];
    }),
  );
}

function readIntegration(name: string, entry: JsonObject, reader: JsonReader): IntegrationPlan | undefined {
  const at = `integrations.${name}`;
  const type = reader.oneOf(entry["type"], `${at}.type`, ["http", "stream", "local"]);
  if (type === "http") return readHttp(name, entry, reader);
  if (type === "stream") return readStream(name, entry, reader);
  if (type === undefined) return undefined;
  reader.object(entry, at, ["type", "handler"]);
  const handler = reader.oneOf(entry["handler"], `${at}.handler`, localHandlers);
  return handler === undefined ? undefined : { type, name, handler };
}

function readStream(name: string, entry: JsonObject, reader: JsonReader): StreamPlan {
  const at = `integrations.${name}`;
  reader.object(entry, at, ["type", "partitions", "maxLength", "deadlineMs"]);
  const partitions = reader.optionalInteger(entry["partitions"], `${at}.partitions`, [1, 64]) ?? 16;
  const maxLength = reader.optionalInteger(entry["maxLength"], `${at}.maxLength`, [1, 100_000_000]);
  const deadlineMs = reader.optionalInteger(entry["deadlineMs"], `${at}.deadlineMs`, deadlineBounds);
  return { type: "stream", name, partitions, maxLength, deadlineMs };
}

function readHttp(name: string, entry: JsonObject, reader: JsonReader): HttpPlan | undefined {
  const at = `integrations.${name}`;
  reader.object(entry, at, ["type", "url", "headers", "deadlineMs", "maxConcurrent"]);
  const url = readUrl(entry["url"], `${at}.url`, reader);
  const headers = readHeaders(entry["headers"] ?? {}, `${at}.headers`, reader);
  const deadlineMs = reader.optionalInteger(entry["deadlineMs"], `${at}.deadlineMs`, deadlineBounds);
  const maxConcurrent = reader.optionalInteger(entry["maxConcurrent"], `${at}.maxConcurrent`, [1, 65_536]);
  return url === undefined ? undefined : { type: "http", name, ...url, headers, deadlineMs, maxConcurrent };
}

function readUrl(
  value: unknown,
  at: string,
  reader: JsonReader,
): { origin: string; pathTemplate: string } | undefined {
  const says =
    "an http or https URL without user name, backslash and fragment; behind the host only visible ASCII (percent-encode " +
    "the rest), and {action}, {identity}, {subprotocol} only there";
  const text = reader.text(value, at, { fits: urlForm, says });
  if (text === undefined) return undefined;
  for (const [placeholder] of text.matchAll(/\{[^}]*\}?/g)) {
    const known = ["{action}", "{identity}", "{subprotocol}"];
    if (!known.includes(placeholder)) reader.problem(at, `unknown ${placeholder}${hint(placeholder, known)}`);
  }
  const pathStart = text.indexOf("/", text.indexOf("//") + 2);
  const base = pathStart === -1 ? text : text.slice(0, pathStart);
  if (!URL.canParse(base)) return reader.problem(at, `must be ${says}`);
  return { origin: new URL(base).origin, pathTemplate: pathStart === -1 ? "/" : text.slice(pathStart) };
}

function readHeaders(value: unknown, at: string, reader: JsonReader): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (const [name, content] of Object.entries(reader.object(value, at) ?? {})) {
    const lower = name.toLowerCase();
    if (takenHeaders.test(lower) || !/^[\w!#$%&'*+.^`|~-]+$/.test(name))
      reader.problem(`${at}.${name}`, "cannot be set here");
    if (headers.has(lower)) reader.problem(`${at}.${name}`, "is there twice: names of headers have no case");
    const text = reader.text(content, `${at}.${name}`, {
      fits: /^[\t\x20-\x7e]*$/,
      says: "a text of visible ASCII",
    });
    if (text !== undefined) headers.set(lower, text);
  }
  return headers;
}

function readRouteTable(value: unknown, integrations: Integrations, reader: JsonReader): RoutePlan[] {
  const entries = Object.entries(reader.object(value, "routes") ?? {});
  return entries.flatMap(([key, entry]) => {
    const at = `routes.${key}`;
    checkKey(key, at, reader);
    const full =
      typeof entry === "string" ? { to: entry } : reader.object(entry, at, ["to", "deadlineMs", "answer"]);
    if (full === undefined) return [];
    const to = readTarget(full["to"], at, integrations, reader);
    const deadlineMs = reader.optionalInteger(full["deadlineMs"], `${at}.deadlineMs`, deadlineBounds);
    if (to === undefined) return [];
    if (to.type === "local" && to.handler === "heartbeat" && partsOf(key).action !== "Heartbeat")
      reader.problem(at, "the handler heartbeat answers Heartbeat, and no other action"); // F4
    return [{ key, to, deadlineMs, answer: readAnswer(key, to, full["answer"], reader) }];
  });
}

function readTarget(
  value: unknown,
  at: string,
  integrations: Integrations,
  reader: JsonReader,
): IntegrationPlan | undefined {
  if (typeof value !== "string") return reader.problem(at, "must name an integration");
  if (integrations.has(value)) return integrations.get(value);
  const guess = hint(value, integrations.keys());
  const says = guess === "" ? `; ${thoseOf(integrations)}` : guess;
  return reader.problem(at, `no integration is called ${value}${says}`);
}

function thoseOf(integrations: Integrations): string {
  const names = [...integrations.keys()];
  if (names.length === 0) return "there are none";
  return `there ${names.length === 1 ? "is" : "are"} ${names.join(", ")}`;
}

/** The versions and the action of a key. */
function partsOf(key: string): { readonly versions: readonly OcppVersion[]; readonly action: string } {
  const colon = key.indexOf(":");
  if (colon === -1) return { versions: ocppVersions, action: key };
  const versions = ocppVersions.filter((version) => subprotocolOf(version) === key.slice(0, colon));
  return { versions, action: key.slice(colon + 1) };
}

// An action of no version is allowed (vendors invent some) unless it looks like a mistyped one.
function checkKey(key: string, at: string, reader: JsonReader): void {
  const { versions, action } = partsOf(key);
  if (versions.length === 0) {
    const known = ocppVersions.map(subprotocolOf);
    reader.problem(at, `the part before the colon must be one of ${known.join(", ")}`);
    return;
  }
  const special: readonly string[] = specialRoutes;
  const ofStations = versions.flatMap((version) =>
    [...actions[version].keys()].filter((name) => mayChargePointSend(name, version)),
  );
  if (special.includes(action) || ofStations.includes(action)) return;
  if (versions.some((version) => actions[version].has(action))) {
    reader.problem(at, "charge points do not send this action: it is sent to them");
    return;
  }
  const guess = hint(action, [...special, ...ofStations]);
  if (guess !== "" || action.startsWith("$") || action === "") reader.problem(at, `unknown action${guess}`);
}

// F2
function readAnswer(key: string, to: IntegrationPlan, value: unknown, reader: JsonReader): JsonObject {
  const at = `routes.${key}`;
  const { action, versions } = partsOf(key);
  if (to.type !== "stream") {
    if (value !== undefined) reader.problem(`${at}.answer`, "only a route to a stream has one");
    return {};
  }
  if (action === "$default") {
    reader.problem(at, "a stream cannot be the default: each action's answer must be known");
  } else if (
    action === "StartTransaction" &&
    versions.some((version) => isTransactionMessage(action, version))
  ) {
    reader.problem(
      at,
      "StartTransaction cannot go to a stream: its answer carries a transactionId, which a backend makes",
    );
  } else if (value === undefined && !emptyAnswers.has(action)) {
    reader.problem(at, 'a stream needs an "answer" for this action: no backend is asked for one');
  }
  if (value === undefined) return {};
  if (isTooDeep(value))
    return reader.problem(`${at}.answer`, `nests deeper than ${maxJsonDepth} levels`) ?? {};
  return reader.object(value, `${at}.answer`) ?? {};
}
