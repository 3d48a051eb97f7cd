// Which of a host's limits fall short of a planned number of stations, and what to set. Pure.
//
// The same settings, with their reasons, stand as files in infra/host; a test holds the two together.

import type { HostLimits } from "./limits.ts";
import { bytesFor, connectionsPerEdge, descriptorsFor } from "./load-limits.ts";

/** What is planned for one host. */
export interface HostPlan {
  readonly stations: number;
  readonly edges: number;
}

/** One limit beside what the plan needs. */
export interface HostCheck {
  readonly limit: string;
  readonly have: number | undefined;
  readonly need: number;
  readonly isEnough: boolean;
  readonly why: string;
  /** What to set, and where. */
  readonly advice: string;
}

/** uWebSockets.js listens with this backlog; a larger somaxconn does not help the charge points' port. */
const edgeBacklog = 512;
/** Of Redis' cluster bus, of node 6379 and of `npm start`: in the wider range, where an outgoing connection keeps Redis from its port. */
const redisBusPorts = "16379,17000-17005";

/** Checks every limit; what is unknown here is not enough, and says so. */
export function checkHost(limits: HostLimits, { stations, edges }: HostPlan): HostCheck[] {
  const perEdge = Math.ceil(stations / edges);
  const fileMax = 2 * edges * descriptorsFor(perEdge);
  const check = (
    limit: string,
    have: number | undefined,
    need: number,
    texts: readonly [why: string, advice: string],
  ): HostCheck => {
    const [why, advice] = texts;
    return { limit, have, need, isEnough: have !== undefined && have >= need, why, advice };
  };
  return [
    check("listen.maxConnections", connectionsPerEdge, perEdge, [
      "the edge's own setting, of each edge: one more is refused with 503",
      `${Math.ceil(stations / connectionsPerEdge)} edges, or CPG_LISTEN_MAX_CONNECTIONS=${perEdge} of each, and whatever its start says has to rise with it`,
    ]),
    check("descriptors of a process", limits.descriptorsHard, descriptorsFor(perEdge), [
      "each station is one, and an edge needs some for Redis, backends and its API",
      `nofile ${roundUp(descriptorsFor(perEdge))} in limits.d, or LimitNOFILE= of the service; or more edges`,
    ]),
    check("fs.file-max", limits.fileMax, fileMax, [
      "all processes of the host together; the kernel's own is one for each 10 KB of memory",
      `remove what lowers it (a file in sysctl.d), or sysctl fs.file-max=${roundUp(fileMax)}`,
    ]),
    check("net.core.somaxconn", limits.somaxconn, edgeBacklog, [
      "caps every listen backlog: uWebSockets.js asks for 512, Redis for 511",
      `sysctl net.core.somaxconn=${edgeBacklog * 8}`,
    ]),
    // Not tcp_max_syn_backlog: beside cookies the kernel does not read it, the listen backlog is the bound.
    check("net.ipv4.tcp_syncookies", limits.synCookies, 1, [
      "half-open handshakes of a storm beyond the listen backlog; without cookies each is sent again after 1 s, 3 s, 7 s",
      "sysctl net.ipv4.tcp_syncookies=1",
    ]),
    check(
      "net.core.netdev_max_backlog",
      limits.netdevBacklog,
      Math.min(5_000, Math.max(1_000, stations / 4)),
      [
        "packets that wait for the kernel: a storm's SYNs arrive faster than one core takes them",
        "sysctl net.core.netdev_max_backlog=5000",
      ],
    ),
    check(
      `memory available${limits.memoryOf === "machine" ? "" : " in this control group"}, MB`,
      limits.availableBytes / 1e6,
      bytesFor({ stations, edges }) / 1e6,
      [
        `${edges} × 150 MB and 14 KB per station, kernel included`,
        limits.memoryOf === "machine"
          ? "fewer stations on this host, or more memory"
          : "fewer stations here, or a higher limit: memory.max, MemoryMax= of the service, --memory of the container",
      ],
    ),
    ...conntrackCheck(limits, stations),
    check("ports of one source address", limits.ephemeralPorts, Math.min(28_000, perEdge), [
      "for load generators and proxies only: what connects from one address has no more",
      `sysctl net.ipv4.ip_local_port_range='10240 65535' net.ipv4.ip_local_reserved_ports=${redisBusPorts}; or more source addresses (bench uses one per 2,000 stations)`,
    ]),
  ];
}

function conntrackCheck({ conntrackMax }: HostLimits, stations: number): HostCheck[] {
  if (conntrackMax === undefined) return []; // nothing is tracked: nothing can be full
  const need = 2 * stations;
  return [
    {
      limit: "net.netfilter.nf_conntrack_max",
      have: conntrackMax,
      need,
      isEnough: conntrackMax >= need,
      why: "a full table drops new connections in silence",
      advice: `sysctl net.netfilter.nf_conntrack_max=${roundUp(need)}`,
    },
  ];
}

function roundUp(count: number): number {
  return Math.ceil(count / 10_000) * 10_000;
}
