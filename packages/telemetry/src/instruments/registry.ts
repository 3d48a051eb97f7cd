// Instruments of the session registry and its way to Redis. Data.
import { closed, counter, gauge, histogram, known, named } from "../declare.ts";

/** A master as host:port; "some dozens" is a large cluster, and replicas that take over add to them. */
const shard = named(64);

/** Scripts and commands as the registry names them; it tells them as text. */
const operation = known(
  "claim",
  "release",
  "purge",
  "lookup",
  "index",
  "post",
  "tell",
  "handOver",
  "inbox",
  "trim",
  "probe",
  "events",
  "renew",
  "leases",
  "bury",
  "fence",
  "clock",
);

/** The codes of RegistryError. */
const codes = [
  "POOL_TIMEOUT",
  "POOL_EXHAUSTED",
  "CIRCUIT_OPEN",
  "DEADLINE",
  "TIMEOUT",
  "UNAVAILABLE",
  "REFUSED",
  "CLOSED",
  "INVALID",
] as const;

/** Calls to Redis. */
export const calls = {
  registry_calls_total: counter("Registry calls as their caller saw them, retries included.", {
    operation,
    outcome: known("ok", ...codes),
  }),
  registry_call_duration_seconds: histogram(
    "Duration of a registry call, waiting and retries included.",
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    { operation },
  ),
  registry_retries_total: counter("Attempts that were repeated, by the code of the failure.", {
    // Those that may pass: the caller's faults, a stop and a passed deadline are not repeated.
    reason: known("POOL_TIMEOUT", "POOL_EXHAUSTED", "TIMEOUT", "UNAVAILABLE", "REFUSED"),
  }),
  registry_redirections_total: counter(
    "Answers of a node that sent a command elsewhere or asked to try again, those followed inside one attempt included.",
    { kind: closed("moved", "ask", "tryAgain", "clusterDown") },
  ),
  registry_permits_in_use: gauge("Calls in flight to a shard, bounded by redis.permitsPerShard.", { shard }),
  registry_permits_limit: gauge("Calls that may be in flight to a shard: redis.permitsPerShard.", { shard }),
  registry_permit_waiters: gauge("Calls that wait for a permit, bounded by redis.maxWaiters.", { shard }),
  registry_permit_waiters_limit: gauge("Calls that may wait for a permit: redis.maxWaiters.", { shard }),
  registry_pool_timeouts_total: counter(
    "Calls refused because no permit came within redis.acquireTimeoutMs.",
  ),
  registry_pool_exhausted_total: counter("Calls refused at once because the waiting line was full."),
  registry_circuit_state: gauge("Circuit of a shard: 0 closed, 1 half open, 2 open.", { shard }),
};

/** Sessions, leases and what passes between edges. */
export const ownership = {
  registry_owed: gauge("Claims and releases that wait for Redis, bounded by registry.maxOwed."),
  registry_owed_limit: gauge("Claims and releases that may wait for Redis: registry.maxOwed."),
  registry_last_heard_seconds: gauge("Time since any Redis node answered this edge."),
  registry_evictions_total: counter("Sessions that a newer socket took over.", {
    direction: closed("sent", "received"),
  }),
  registry_conditional_misses_total: counter("Conditional writes that found somebody else's row, or none.", {
    operation: known("release", "purge"),
  }),
  registry_stale_routes_total: counter("Commands whose edge said that the session is not its own."),
  registry_releases_dropped_total: counter(
    "Releases given up because too many were owed; reconciling ends their rows later.",
  ),
  registry_rows_reconciled_total: counter("Rows of this edge without a socket that were found and ended."),
  registry_bad_rows_total: counter("Rows in Redis that could not be read."),
  registry_lease_age_seconds: gauge("Time since the last confirmed renewal of this edge's lease was sent."),
  registry_lease_valid: gauge("1 while this edge's lease is valid, otherwise 0."),
  registry_incarnations_total: counter(
    "New leases taken after the first: one for each time this edge found itself fenced.",
  ),
  registry_edges_declared_dead_total: counter(
    "Leases that this edge declared dead: an edge's that died, or one that an edge has given up for a new one.",
  ),
  registry_inbox_messages_total: counter(
    "Messages that came over the own channel or out of the own inboxes; `unknown`: not understood, and dropped.",
    {
      kind: known("evict", "command", "reply", "close", "unknown"),
    },
  ),
  registry_channel_probe_seconds: histogram(
    "Time from a probe of the own pub/sub channel to the wake-up it asked for.",
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
  ),
  registry_channel_probes_total: counter("Probes of the own pub/sub channel.", {
    outcome: closed("answered", "silent"),
  }),
};
