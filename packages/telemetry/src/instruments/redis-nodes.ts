// Instruments of the Redis nodes, under the names that redis_exporter uses, with the node (`host:port`) as label. Data.
//
// Told by one edge at a time (edge/src/redis-node-metrics.ts); while another edge takes over two may tell them, so panels take the
// maximum by node and never a sum over edges. A node that does not answer is redis_up 0, and nothing else is told of it.
import { closed, counter, gauge, known, named, toldCounter } from "../declare.ts";

/** "Some dozens" is a large cluster. */
const node = named(64);

/** Commands that this gateway sends, and what its scripts do most; every other one is "other". */
const cmd = known(
  "evalsha",
  "eval",
  "hmget",
  "hset",
  "xadd",
  "xread",
  "xrange",
  "xtrim",
  "zrangebylex",
  "spublish",
  "wait",
  "cluster",
  "info",
  "ping",
);

/** Every node of the cluster. */
export const redisNodes = {
  redis_up: gauge("1 while the node answered the last time it was asked, otherwise 0.", { node }),
  redis_instance_info: gauge("1, with the node's role and Redis' version.", {
    node,
    role: closed("master", "slave"),
    redis_version: named(8),
  }),
  redis_connected_clients: gauge("Client connections of the node, replicas' excluded.", { node }),
  redis_cluster_connections: gauge(
    "Connections between this node and the others; they count against maxclients too.",
    {
      node,
    },
  ),
  redis_blocked_clients: gauge("Clients that wait in a blocking command (WAIT, XREAD BLOCK).", { node }),
  redis_config_maxclients: gauge("Client connections that the node takes at most.", { node }),
  redis_rejected_connections_total: toldCounter("Connections refused because of maxclients.", { node }),
  redis_commands_total: toldCounter("Commands carried out, those in scripts included, by command.", {
    node,
    cmd,
  }),
  redis_keyspace_hits_total: toldCounter("Look-ups of keys that were there.", { node }),
  redis_keyspace_misses_total: toldCounter("Look-ups of keys that were not there.", { node }),
  redis_evicted_keys_total: toldCounter("Keys that were thrown away for want of memory.", { node }),
  redis_memory_used_bytes: gauge("Memory that the node's data and buffers take.", { node }),
  redis_memory_max_bytes: gauge("Memory that the node may take: maxmemory, 0 for no bound.", { node }),
  redis_connected_slaves: gauge("Replicas of a master that are connected.", { node }),
  redis_master_link_up: gauge("1 while a replica's link to its master is up, otherwise 0.", { node }),
  redis_master_repl_offset: gauge("Offset of the node's replication stream, bytes.", { node }),
  // redis_exporter has one of each for every replica; here it is the one that is worst off, which is what an alert would ask for.
  redis_connected_slave_offset_bytes: gauge("Least offset that a replica of this master confirmed.", {
    node,
  }),
  redis_connected_slave_lag_seconds: gauge(
    "Longest time since a replica of this master confirmed anything.",
    {
      node,
    },
  ),
  redis_cluster_state: gauge("1 while the node calls the cluster ok, otherwise 0.", { node }),
  redis_cluster_known_nodes: gauge("Nodes that this one knows of.", { node }),
  redis_cluster_slots_assigned: gauge("Slots that some node serves, of 16,384, as this one sees it.", {
    node,
  }),
  redis_cluster_slots_ok: gauge("Slots whose node is well.", { node }),
  redis_cluster_slots_pfail: gauge("Slots whose node may have failed.", { node }),
  redis_cluster_slots_fail: gauge("Slots whose node has failed.", { node }),
  redis_node_polls_total: counter("Times that this edge asked a Redis node how it is, by how it ended.", {
    outcome: closed("ok", "refused", "loading", "timeout", "unreachable"),
  }),
  redis_node_watcher: gauge("1 while this is the edge that watches the Redis nodes, otherwise 0."),
};
