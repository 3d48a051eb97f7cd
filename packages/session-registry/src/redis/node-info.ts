// What a Redis node says of itself, read from its answers to INFO, CLUSTER INFO and CLUSTER SHARDS. Pure.
//
// F1. A field that is not there, or is no number, is absent: never 0. Versions differ, and ACLs may hide sections.

/** A replica as its master sees it. */
export interface ReplicaLink {
  readonly host: string;
  readonly port: string;
  /** Offset in the master's stream that the replica confirmed. */
  readonly offset: number | undefined;
  /** Seconds since it last did. */
  readonly lagSeconds: number | undefined;
}

/** A node's account of itself. */
export interface NodeInfo {
  /** Redis' own words: "master" or "slave"; undefined where it does not say. */
  readonly role: "master" | "slave" | undefined;
  readonly version: string | undefined;
  /** Any numeric field of INFO or CLUSTER INFO by its name there (F1). */
  number(field: string): number | undefined;
  /** Calls since the node's start, by command: lower case, without its subcommand. */
  readonly calls: ReadonlyMap<string, number>;
  readonly replicas: readonly ReplicaLink[];
  /** "ok" or "fail"; undefined where CLUSTER INFO was not answered. */
  readonly clusterState: string | undefined;
  /** A replica's link to its master: "up" or "down"; undefined at a master. */
  readonly masterLink: string | undefined;
}

/** Reads the texts of INFO and CLUSTER INFO: both are lines of `field:value`. */
export function nodeInfo(info: string, clusterInfo: string): NodeInfo {
  const fields = new Map<string, string>();
  for (const line of `${info}\n${clusterInfo}`.split(/\r?\n/)) {
    const colon = line.indexOf(":");
    if (colon > 0 && !line.startsWith("#")) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  const role = fields.get("role");
  return {
    role: role === "master" || role === "slave" ? role : undefined,
    version: fields.get("redis_version"),
    number: (field) => numberOf(fields.get(field)),
    calls: callsOf(fields),
    replicas: replicasOf(fields),
    clusterState: fields.get("cluster_state"),
    masterLink: fields.get("master_link_status"),
  };
}

/** commandstats: `cmdstat_cluster|info:calls=3,usec=…`. Subcommands add up under their command. */
function callsOf(fields: ReadonlyMap<string, string>): ReadonlyMap<string, number> {
  const calls = new Map<string, number>();
  for (const [field, value] of fields) {
    if (!field.startsWith("cmdstat_")) continue;
    const command = field.slice("cmdstat_".length).split("|")[0] ?? "";
    const count = numberOf(pairs(value).get("calls"));
    if (count !== undefined) calls.set(command, (calls.get(command) ?? 0) + count);
  }
  return calls;
}

/** replication: `slave0:ip=127.0.0.1,port=7003,state=online,offset=56,lag=1`. */
function replicasOf(fields: ReadonlyMap<string, string>): readonly ReplicaLink[] {
  return [...fields].flatMap(([field, value]) => {
    if (!/^slave\d+$/.test(field)) return [];
    const link = pairs(value);
    const [host, port] = [link.get("ip"), link.get("port")];
    if (host === undefined || port === undefined) return [];
    return [{ host, port, offset: numberOf(link.get("offset")), lagSeconds: numberOf(link.get("lag")) }];
  });
}

function pairs(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split(",").map((pair) => {
      const at = pair.indexOf("=");
      return [pair.slice(0, Math.max(at, 0)), pair.slice(at + 1)] as const;
    }),
  );
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : undefined;
}

/**
 * `host:port` of every node of the cluster, the dead ones included, from a reply to CLUSTER SHARDS. `asked` stands in for a node
 * that does not know its own address yet. A reply of another form has no nodes.
 */
export function nodesOfShards(reply: unknown, asked: string, isTls: boolean): readonly string[] {
  const nodes = new Set<string>();
  for (const shard of arrayOf(reply)) {
    for (const node of arrayOf(fieldsOf(shard).get("nodes"))) {
      const fields = fieldsOf(node);
      const endpoint = fields.get("endpoint");
      const host = isAddress(endpoint) ? endpoint : fields.get("ip");
      const port = fields.get(isTls ? "tls-port" : "port");
      if (typeof port !== "number") continue;
      nodes.add(isAddress(host) ? `${host.includes(":") ? `[${host}]` : host}:${String(port)}` : asked);
    }
  }
  return [...nodes];
}

/** "?" and "" say that the node does not know. */
function isAddress(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value !== "?";
}

/** A reply of names and values in turn. */
function fieldsOf(reply: unknown): ReadonlyMap<unknown, unknown> {
  const flat = arrayOf(reply);
  const fields = new Map<unknown, unknown>();
  for (let at = 0; at + 1 < flat.length; at += 2) fields.set(flat[at], flat[at + 1]);
  return fields;
}

function arrayOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
