// Settings of the connection to Redis Cluster: address, credentials, pool, retry, circuit. Data; how the times
// depend on each other is in rules.ts.
import { flag, integer, list, optionalText, text } from "../kinds.ts";
import { isFilePath, isHost, isHostPort } from "../shapes.ts";

const tls = {
  enabled: flag({ default: false, doc: "Speak TLS to Redis." }),
  caFile: optionalText({ doc: "PEM file of the authorities trusted.", allowed: "a path", fits: isFilePath }),
  certFile: optionalText({ doc: "PEM file of the client certificate.", allowed: "a path", fits: isFilePath }),
  keyFile: optionalText({ doc: "PEM file of its private key.", allowed: "a path", fits: isFilePath }),
  serverName: optionalText({
    doc: "Name that the nodes' certificates carry, where it is not the address they announce.",
    allowed: "a host name",
    fits: isHost,
  }),
};

const retry = {
  baseMs: integer({
    default: 20,
    min: 1,
    max: 10_000,
    unit: "ms",
    doc: "Upper end of the first back-off; each next one doubles it, and the pause is drawn from 0 to it.",
    why: "A MOVED is mended by one refresh of the slots, a few milliseconds.",
  }),
  maxMs: integer({
    default: 500,
    min: 1,
    max: 60_000,
    unit: "ms",
    doc: "Upper end of every later back-off.",
    why: "As long as the circuit stays open: about 20 attempts over a failover of 9 s.",
  }),
};

const breaker = {
  errorThresholdPercent: integer({
    default: 50,
    min: 1,
    max: 100,
    unit: "%",
    doc: "Share of failed calls to one shard that opens its circuit.",
    why: "A dead master fails all of its calls, a busy one few; the half tells them apart.",
  }),
  minimumCalls: integer({
    default: 20,
    min: 1,
    max: 10_000,
    unit: "calls",
    doc: "Calls in the window below which the circuit stays closed.",
    why: "opossum's own 0 opens at the first failure; below permitsPerShard, so the first batch that fails opens it.",
  }),
  windowMs: integer({
    default: 5_000,
    min: 100,
    max: 600_000,
    unit: "ms",
    doc: "Window over which calls are counted.",
    why: "Five command timeouts: what has just begun to hang weighs more than what went well before.",
  }),
  resetMs: integer({
    default: 500,
    min: 10,
    max: 600_000,
    unit: "ms",
    doc: "How long an open circuit waits before it lets one call try.",
    why: "A new master is used half a second after its election at the latest; two probes a second hurt nobody.",
  }),
};

/** Redis Cluster. */
export const redis = {
  nodes: list({
    default: ["127.0.0.1:7000", "127.0.0.1:7001", "127.0.0.1:7002"] as readonly string[],
    doc: "Some nodes of the cluster; the others are learnt from them.",
    allowed: "one or more different host:port, an IPv6 address in brackets",
    fits: isHostPort,
  }),
  username: optionalText({
    doc: "ACL user; absent: `default`. It needs `~<redis.keyPrefix>* &<redis.keyPrefix>* +@all -@dangerous +info`; `&` are channels, of which Redis 7 gives a new user none. Where commands are granted singly: for the nodes' own numbers (`telemetry.redisNodesMs`) also `+cluster|info +cluster|shards`.",
    allowed: "up to 256 visible characters",
    fits: (value) => /^[!-~]{1,256}$/.test(value),
  }),
  password: optionalText({
    doc: "Password of the user. Prefer the environment or the file: arguments are visible to every user of the machine.",
    secret: true,
    allowed: "a text of up to 4096 characters",
    fits: (value) => value.length <= 4_096,
  }),
  tls,
  keyPrefix: text({
    default: "cpg:",
    doc: "Put before each key and channel, so that several gateways can share a cluster.",
    why: "No braces: they would become the hash tag and pull everything into one slot.",
    allowed: "up to 32 letters, digits and : _ . -",
    fits: (value) => /^[\w:.-]{0,32}$/.test(value),
  }),
  connectTimeoutMs: integer({
    default: 2_000,
    min: 50,
    max: 60_000,
    unit: "ms",
    doc: "How long opening a connection may take, TLS included.",
    why: "Room for one lost SYN (resent after 1 s) and a TLS handshake.",
  }),
  commandTimeoutMs: integer({
    default: 1_000,
    min: 10,
    max: 60_000,
    unit: "ms",
    doc: "How long one attempt of a command waits for its reply.",
    why: "A thousand times the usual; ten fit into the operation deadline.",
  }),
  socketTimeoutMs: integer({
    default: 3_000,
    min: 100,
    max: 600_000,
    unit: "ms",
    doc: "A connection with commands in flight and no byte for so long is taken for hung and closed.",
    why: "Three command timeouts: a slow script is not a hung node. Nothing else notices a node that hangs.",
  }),
  connectionsPerShard: integer({
    default: 1,
    min: 1,
    max: 64,
    unit: "connections per shard",
    doc: "Multiplexed connections for commands, opened ahead and kept, to each master.",
    why: "One pipelined connection carries 2–5 times what 50 pooled ones do (measured).",
  }),
  permitsPerShard: integer({
    default: 64,
    min: 1,
    max: 65_536,
    unit: "calls per shard",
    doc: "Calls in flight to one shard; more wait for a permit.",
    why: "At 1 ms a reply, 64 keep 64,000 calls a second on the wire: above what a shard executes.",
  }),
  maxWaiters: integer({
    default: 4_096,
    min: 0,
    max: 1_000_000,
    unit: "calls per shard",
    doc: "Calls that wait for a permit; one more is refused at once.",
    why: "Twice what arrives at 2,000 claims a second in the 1 s until the circuit of a hung shard opens.",
  }),
  acquireTimeoutMs: integer({
    default: 500,
    min: 1,
    max: 60_000,
    unit: "ms",
    doc: "Longest wait for a permit.",
    why: "Half a command timeout: a healthy shard turns its 64 permits over every few milliseconds.",
  }),
  operationDeadlineMs: integer({
    default: 10_000,
    min: 100,
    max: 600_000,
    unit: "ms",
    doc: "How long an operation tries, all waiting and retrying included.",
    why: "Outlasts a failover: 4.2 s with cluster-node-timeout 2000, 9.0 s with Redis' defaults (measured).",
  }),
  slotsRefreshMs: integer({
    default: 1_000,
    min: 100,
    max: 600_000,
    unit: "ms",
    doc: "Interval at which an edge looks whether the cluster's slots have moved while a shard fails; 300 times as long while none does.",
    why: "A read every 1–2 s cut a failover from 9.0 s to 6.8 s (measured); a redirection is followed at once in any case.",
  }),
  retry,
  breaker,
};
