// Recognises Redis' and ioredis' errors: the only place where their texts are read. Pure.

import { RegistryError } from "../errors.ts";

/**
 * How a node begins that refuses a command before it carries anything out, and the client that has not sent it. Not among them what may come out of
 * the middle of a script: "non local key", when half of it may be done; READONLY and NOREPLICAS, when it may have told somebody already.
 */
const untouched = [
  "MOVED ",
  "ASK ",
  "TRYAGAIN ",
  "CLUSTERDOWN ",
  "LOADING ",
  "MASTERDOWN ",
  "BUSY ",
  "Cluster isn't ready",
];

/**
 * A script met a key whose slot is migrating. That of `handOver` asks for its owner's fence before it tells or writes anything, and ends there: that key
 * is absent, or there is nothing to bring.
 */
const nonLocal = "non local key";

/** Texts after which the same call may succeed soon: the shard is moving, loading, failing over or out of reach. */
const passing = [
  ...untouched,
  "READONLY",
  "NOREPLICAS",
  nonLocal,
  "Connection is closed",
  "Cluster is ended",
  "Cluster is disconnect",
  "None of startup nodes is available",
  "Failed to refresh slots cache",
  "Socket timeout",
  "Unknown RESP type", // what is there speaks another protocol
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
];

/** Whatever a client threw, as a RegistryError that says what it means for the caller. */
export function toRegistryError(operation: string, error: unknown): RegistryError {
  if (error instanceof RegistryError) return error;
  const text = textOf(error);
  if (text.includes("Command timed out")) {
    return new RegistryError(
      "TIMEOUT",
      `${operation}: Redis did not answer in time (redis.commandTimeoutMs)`,
      {
        retryable: true,
        cause: error,
      },
    );
  }
  if (passing.some((word) => text.includes(word))) {
    const options = { retryable: true, isOutcomeUnknown: !isUntouched(operation, error), cause: error };
    return new RegistryError("UNAVAILABLE", `${operation}: ${text}`, options);
  }
  return new RegistryError("REFUSED", `${operation}: Redis refused: ${describeFailure(error)}`, {
    retryable: text.includes("OOM "),
    reason: text.includes("WRONGTYPE") ? "otherType" : undefined,
    cause: error,
  });
}

/** ioredis ends so if it sent a command again too often; it does that only after such as were not carried out (sent-once.ts). */
const lastOfMany = /^Too many Cluster redirections\. Last error: \w*Error: /;

/** Whether the error itself says that nothing was carried out. What was sent and lost ends with more words than "Connection is closed." (sent-once.ts). */
function isUntouched(operation: string, error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (operation === "handOver" && error.message.includes(nonLocal)) return true;
  const said = error.message.replace(lastOfMany, "");
  return said === "Connection is closed." || untouched.some((words) => said.startsWith(words));
}

/** A refusal by Redis itself, not by the client; undefined for all else, which may pass. */
export function refusalOf(operation: string, error: unknown): RegistryError | undefined {
  if (!(error instanceof Error) || error.name !== "ReplyError") return undefined;
  const failure = toRegistryError(operation, error);
  return failure.code === "REFUSED" ? failure : undefined;
}

/** Whether ioredis did not even try to subscribe, because it knows nobody who serves that slot. */
export function isWithoutSubscriber(error: unknown): boolean {
  return textOf(error).startsWith("No sharded subscriber for slot");
}

/** Whether a command only says that its connection ended, kept silent or could not be read, and not why (connection-end.ts). */
export function isAboutEnd(error: unknown): boolean {
  return (
    error instanceof Error &&
    /^(Connection is closed|timeout$|Command timed out|Unknown RESP type)/.test(error.message)
  );
}

/** The text of an error of Redis or the client, with advice where a person can mend it: once, whoever passed it on. */
export function describeFailure(error: unknown): string {
  const text = textOf(error);
  const advice = adviceOn(text);
  return advice === undefined || text.includes(advice) ? text : `${text} (${advice})`;
}

function adviceOn(text: string): string | undefined {
  if (text.includes("OOM ")) return "Redis is full and must not evict: give it more memory";
  if (text.includes("cluster support disabled"))
    return "the edge needs Redis Cluster: set cluster-enabled yes on each node and join them, redis-cli --cluster create";
  if (/NOPERM.* channels?\b/.test(text))
    return "that user needs channels too, and a new one has none: &<redis.keyPrefix>*";
  if (/NOPERM.* keys?\b/.test(text)) return "that user needs these keys: ~<redis.keyPrefix>*";
  return /NOAUTH|WRONGPASS|NOPERM/.test(text)
    ? "check redis.username and redis.password, and that user's rights"
    : undefined;
}

/** A connection that came to nothing. */
export interface ConnectionEnd {
  /** `host:port`. */
  readonly address: string;
  readonly isTls: boolean;
  /** How far it came: a TCP connection to the host; to a peer, with TLS if so set; an answer that Redis gives. */
  readonly reached: "nothing" | "host" | "peer" | "redis";
  /** Else it is still waited for. */
  readonly isClosed: boolean;
  /** What the socket or the protocol's reader said; undefined: nothing. */
  readonly error: unknown;
}

/** Why it came to nothing, with what to check. */
export function describeEnd(end: ConnectionEnd): string {
  const why = whyOf(end);
  const said = end.error === undefined ? "" : textOf(end.error);
  const text = [why, said].filter((part) => part !== "").join(": ");
  return text.includes(end.address) ? text : `${end.address}: ${text}`;
}

/** What this package makes of it; empty where the error says it best. */
function whyOf({ isTls, reached, isClosed, error }: ConnectionEnd): string {
  const said = error === undefined ? "" : textOf(error);
  if (/Unknown RESP type/.test(said)) return "it is no Redis";
  if (/\bERR_TLS_CERT_ALTNAME/.test(said))
    return "its certificate is for another name (redis.tls.serverName)";
  if (/_SIGNATURE\b|_CERT\b|_CERT_|\bCERT_/.test(said))
    return "its certificate is not trusted (redis.tls.caFile)";
  if (isTls && reached === "host" && error === undefined && !isClosed)
    return "it is connected to and begins no TLS (it hangs, or its port is one without: redis.tls.enabled)";
  const isCutOff = error === undefined ? isClosed : /ECONNRESET|EPIPE/.test(said);
  if (isTls && reached === "host" && (isCutOff || said.includes("WRONG_VERSION"))) {
    return "it speaks no TLS (check its port, and redis.tls.enabled)";
  }
  if (reached === "peer" && isCutOff) {
    const setting = isTls ? "redis.tls.certFile" : "redis.tls.enabled";
    return `it closed the connection before it answered (does it want ${setting}, or is it no Redis?)`;
  }
  if (error !== undefined) return "";
  if (isClosed) return "it closed the connection";
  return reached === "nothing" ? "no connection to it comes about" : "it is connected to and does not answer";
}

/** A server that does not know a command repeats its arguments, those of AUTH and HELLO too. */
const repeatedArguments = /(with args beginning with:).*/;

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause, code, lastNodeError, reason } = error as Error & Record<string, unknown>;
  if (cause instanceof Error && isAboutEnd(error)) return cause.message;
  const message = error.message.replace(repeatedArguments, "$1 [masked]").trim();
  if (lastNodeError instanceof Error) return `${message} (${textOf(lastNodeError)})`;
  if (message === "") return typeof code === "string" ? code : error.name; // of several addresses that all failed, Node tells a code only
  const said = message.includes(":SSL routines:") && typeof reason === "string" ? reason : message;
  return typeof code === "string" && !said.includes(code) ? `${said} (${code})` : said;
}
