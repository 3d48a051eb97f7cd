// Recognises Redis' and ioredis' errors: the only place where their texts are read. Pure.

import { RegistryError } from "../errors.ts";

/** Texts after which the same call may succeed soon: the shard is moving, loading, failing over or out of reach. */
const passing = [
  "MOVED",
  "ASK ",
  "TRYAGAIN",
  "CLUSTERDOWN",
  "LOADING",
  "READONLY",
  "MASTERDOWN",
  "NOREPLICAS",
  "BUSY ",
  "non local key", // a script met a key whose slot is migrating
  "Connection is closed",
  "Cluster isn't ready",
  "Cluster is ended",
  "Cluster is disconnect",
  "None of startup nodes is available",
  "Failed to refresh slots cache",
  "Socket timeout",
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
    return new RegistryError("UNAVAILABLE", `${operation}: ${text}`, { retryable: true, cause: error });
  }
  return new RegistryError("REFUSED", `${operation}: Redis refused: ${describeFailure(error)}`, {
    retryable: text.includes("OOM "),
    reason: text.includes("WRONGTYPE") ? "otherType" : undefined,
    cause: error,
  });
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

/** The text of an error of Redis or the client, with advice where a person can mend it. */
export function describeFailure(error: unknown): string {
  const text = textOf(error);
  if (text.includes("OOM ")) return `${text} (Redis is full and must not evict: give it more memory)`;
  if (/NOPERM.* channels?\b/.test(text)) {
    return `${text} (that user needs channels too, and a new one has none: &<redis.keyPrefix>*)`;
  }
  if (!/NOAUTH|WRONGPASS|NOPERM/.test(text)) return text;
  return `${text} (check redis.username and redis.password, and that user's rights)`;
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const inner = (error as { lastNodeError?: unknown }).lastNodeError;
  return inner instanceof Error ? `${error.message} (${inner.message})` : error.message;
}
