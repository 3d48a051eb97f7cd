// What tests of other packages use. Development only.
export { type SelfSigned, selfSigned } from "./certificate.ts";
export { eventually, type EventuallyOptions } from "./eventually.ts";
export { type NamedLink, type NamedProxies, startNamedProxies } from "./named-proxies.ts";
export { freePort, uniquePrefix } from "./names.ts";
export { type ProcessOptions, startProcess, type TestProcess } from "./process.ts";
export {
  delayingProxy,
  type DelayingProxy,
  type DelayingProxyOptions,
  type Direction,
  type ProxyCounters,
} from "./delaying-proxy.ts";
export { type ProvidedRedisNode, startTestRedisAlone, startTestRedisCluster } from "./redis.ts";
export type { RedisCluster, RedisClusterOptions, RedisNode, RedisNodePlan } from "@cpg/infra";
