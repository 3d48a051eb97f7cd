// What other packages and the scripts at the root may use.
export {
  findRedisServer,
  type NoRedisServer,
  type RedisServer,
  type RedisServerSearch,
} from "./redis-server.ts";
export { findPrometheus, type Prometheus, type PrometheusSearch } from "./prometheus.ts";
export { findFreePorts, isPortFree } from "./ports.ts";
export { defaultCacheDir, projectRoot, redisConfPath } from "./paths.ts";
export { type Child, type ChildExit, startChild } from "./child.ts";
export {
  type RedisCluster,
  type RedisClusterOptions,
  type RedisNode,
  type RedisNodePlan,
  startRedisCluster,
} from "./redis-cluster.ts";
export { RedisNodeError } from "./redis-node.ts";
export { ClusterNotReadyError } from "./cluster-forming.ts";
