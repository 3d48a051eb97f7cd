// Settings of the side that faces charge points: who this edge is, its listener, OCPP-J, authentication. Data.
import { choice, flag, integer, list, optionalText, port, text } from "../kinds.ts";
import { isFilePath, isHost, isOneOf } from "../shapes.ts";

/** The OCPP versions that one endpoint serves side by side. */
export const ocppVersions = ["1.6", "2.0.1", "2.1"] as const;

/** Who this process is. */
export const edge = {
  name: optionalText({
    doc: "Name of this edge in the registry, the logs and the API. Absent: host name and listen.port; needed with listen.sharePort.",
    allowed: "1 to 64 letters, digits, dots, hyphens or underscores",
    fits: (value) => /^[\w.-]{1,64}$/.test(value),
  }),
  environment: choice(["development", "production"], {
    default: "production",
    doc: "Development allows a management API without a token on any address.",
    why: "The careful one: what is forgotten fails at start, not in the field.",
  }),
};

/** The WebSocket listener. */
export const listen = {
  host: text({
    default: "0.0.0.0",
    doc: "Address on which charge points are served.",
    allowed: "a host name or an IP address",
    fits: isHost,
  }),
  port: port({
    default: 9000,
    doc: "Port on which charge points are served.",
    why: "Free on common systems.",
  }),
  sharePort: flag({
    default: false,
    doc: "Let several edges of one machine share the port (SO_REUSEPORT).",
    why: "Shared, a second instance started by mistake would silently take half of the fleet.",
  }),
  path: text({
    default: "/ocpp/",
    doc: "Path before the charge point's identity in ws://host:port/ocpp/{identity}.",
    allowed: "a path that begins and ends with /, of letters, digits and . _ ~ -",
    fits: (value) => /^\/([\w.~-]+\/)*$/.test(value) && value.length <= 128,
  }),
  maxPayloadBytes: integer({
    default: 131_072,
    min: 65_536,
    max: 16_777_216,
    unit: "bytes",
    doc: "Largest message a charge point may send; a larger one closes its socket.",
    why: "99 % of messages fit in 2 KB, large ones of 64 KB must pass; twice that. uWebSockets.js' 16 KB is too small.",
  }),
  idleTimeoutSeconds: integer({
    default: 120,
    min: 8,
    max: 960,
    unit: "s",
    orZero: "never",
    doc: "A socket from which no byte came for so long is closed.",
    why: "uWebSockets.js pings 16 s before (at 104 s): a half-open socket is found in two minutes. Outside 0 and 8–960 it aborts the process.",
  }),
  sendPings: flag({
    default: true,
    doc: "Ping a silent charge point shortly before the idle timeout; its pong counts as activity.",
  }),
  compression: flag({
    default: true,
    doc: "Offer permessage-deflate. OCPP 2.x asks the CSMS to support it.",
  }),
  maxConnections: integer({
    default: 18_000,
    min: 1,
    max: 1_000_000,
    unit: "connections",
    doc: "Charge points one edge serves, or fewer where it may open too few descriptors for them; more are refused with 503 and Retry-After.",
    why: "20,000 file descriptors a process is a common hard limit. Of the tenth that stays, a fortieth of this (450) is for ended sockets that wait for their peers' last word; the rest for Redis, backends, the API and the scrape.",
  }),
  retryAfterSeconds: integer({
    default: 10,
    min: 1,
    max: 3_600,
    unit: "s",
    doc: "Retry-After of a refused upgrade.",
    why: "A full edge's 18,000 charge points are claimed again at 2,000 a second, in 9 s.",
  }),
};

/** The OCPP-J session. */
export const ocpp = {
  versions: list({
    default: ocppVersions,
    doc: "OCPP versions served; the charge point's order of preference decides.",
    allowed: `different ones of ${ocppVersions.join(", ")}`,
    fits: isOneOf(ocppVersions),
  }),
  noSubprotocol: choice(["reject", "close"], {
    default: "reject",
    doc: "No subprotocol in common: reject the upgrade with 400, or upgrade and close at once.",
    why: "Certification (TC_B_58) expects the rejection; the text of OCPP-J 2.0.1 §3.1.2 describes the close.",
  }),
  callTimeoutMs: integer({
    default: 30_000,
    min: 1_000,
    max: 120_000,
    unit: "ms",
    doc: "How long a CALL to a charge point waits for its answer; a charge point is taken to wait as long for ours.",
    why: "OCPP's own guidance for a message timeout.",
  }),
  maxInboundCalls: integer({
    default: 16,
    min: 1,
    max: 1_024,
    unit: "CALLs per session",
    doc: "CALLs of one charge point that wait for their turn; overflow closes the socket (reading cannot be paused).",
    why: "The specification allows 1 outstanding; 16 forgives a station that empties its offline queue impatiently.",
  }),
  maxQueuedCommands: integer({
    default: 8,
    min: 0,
    max: 1_024,
    unit: "commands per session",
    doc: "Commands that wait while one is open; one more is answered 429.",
    why: "Served one at a time at up to callTimeoutMs: a ninth would wait four minutes behind a silent station.",
  }),
  maxOutboxBytes: integer({
    default: 262_144,
    min: 65_536,
    max: 67_108_864,
    unit: "bytes per session",
    doc: "Bytes that wait for a slow charge point to read them; overflow closes the socket.",
    why: "Holds the largest answer of a backend (128 KiB) and the largest command (80 KiB) together.",
  }),
  reusedIdMemory: integer({
    default: 16,
    min: 0,
    max: 1_024,
    unit: "message ids per session",
    doc: "Answers kept per session, so that a retry with a reused message id is answered and not served twice.",
    why: "As many as may wait inbound: a station repeats only what it may still have open.",
  }),
};

/** Who may connect. */
export const auth = {
  mode: choice(["file", "none"], {
    default: "file",
    doc: "`file`: HTTP Basic against a file of salted hashes. `none`: every identity is let in.",
    why: "`none` is never reached by leaving something out.",
  }),
  file: optionalText({
    doc: "File of identities and salted hashes; required by auth.mode file.",
    allowed: "a path",
    fits: isFilePath,
  }),
};
