// Which TCP ports of this machine are free. I/O: listens on a port for an instant.
//
// P1. Free ports are taken below the range from which the kernel gives outgoing connections theirs (32768 on Linux, 49152
//     elsewhere): there a port that was free a moment ago may be somebody's outgoing connection by now. On a host with the range of
//     infra/host (from 10240) that can happen to these too: its reserved ports are those that people know, not ours.
// P2. A port is given out once per process. Each process looks in a lane of its own first (by its id), so that a port that somebody holds
//     only now and then, as a node that a test restarts, is seldom another's meanwhile; who loses sees "in use" and asks again.
// P3. None is one that `fetch` refuses to speak to ("bad port", WHATWG Fetch §2.9): above 10,000 that is 10080.

import { randomInt } from "node:crypto";
import { createServer } from "node:net";

// A Redis node's bus listens 10,000 higher, which must stay below that range too.
const lowestPort = 10_100; // P3
const highestPort = 22_000; // P1
const givenOut = new Set<number>();
const laneWidth = 200; // P2
const laneCount = Math.floor((highestPort - lowestPort) / laneWidth);
const lane = lowestPort + (process.pid % laneCount) * laneWidth;
const triesInLane = 2 * laneWidth;

/** Whether something could listen on `port` of `host` now. Answers about this instant only. */
export function isPortFree(port: number, host = "127.0.0.1"): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/**
 * `count` different ports free on `host`, none of them given out before by this process (P1, P2).
 * Fails with an error when a few thousand tries do not find them.
 */
export async function findFreePorts(count: number, host = "127.0.0.1"): Promise<number[]> {
  const found: number[] = [];
  for (let tries = 0; found.length < count; tries++) {
    if (tries === 4_000)
      throw new Error(`no ${count} free ports between ${lowestPort} and ${highestPort} on ${host}`);
    const port = tries < triesInLane ? lane + randomInt(laneWidth) : randomInt(lowestPort, highestPort);
    if (givenOut.has(port)) continue;
    givenOut.add(port);
    if (await isPortFree(port, host)) found.push(port);
  }
  return found;
}
