// What stations can connect to: an edge, or one of the baselines and peers as a process of its own.

import { Fleet, type Endpoint } from "../load/fleet.ts";
import { startWorker, type Worker } from "./worker.ts";
import type { Gateway } from "./gateway.ts";
import { BenchError } from "../scenario.ts";

/** A server under test. */
export interface Subject {
  readonly name: string;
  readonly endpoint: Endpoint;
  /** Whose CPU counts. */
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

/** The baselines and peers by file name in `subjects/`. */
export const peerNames = {
  "raw-uws": "limit (raw uWS.js)",
  ws: "ws",
  "ocpp-rpc": "ocpp-rpc",
} as const;

/** Starts a baseline or a peer. */
export function startPeer(file: keyof typeof peerNames): Promise<Subject> {
  return startServer(file, peerNames[file]);
}

/** The least that does what an edge must do, by file name in `subjects/`; `worker`: to ask it. */
export async function startLeast(
  file: "least-accept" | "least-proxy",
  plan: object,
): Promise<Subject & { readonly worker: Worker }> {
  return startServer(file, leastNames[file], plan);
}

const leastNames = {
  "least-accept": "the least (raw uWS.js, a hash, a SET)",
  "least-proxy": "the least (raw uWS.js, undici)",
} as const;

async function startServer(
  file: string,
  name: string,
  plan: object = {},
): Promise<Subject & { readonly worker: Worker }> {
  const worker = await startWorker(new URL(`../subjects/${file}.js`, import.meta.url));
  const port = await worker.ask<number>("listen", plan);
  return {
    name,
    endpoint: { host: "127.0.0.1", port, path: "/ocpp/" },
    pids: [worker.pid],
    worker,
    stop: () => worker.stop(),
  };
}

/** The first edge of a gateway. */
export function edgeOf(gateway: Gateway, name: string): Subject {
  const [edge] = gateway.edges;
  if (edge === undefined) throw new Error("a gateway without edges");
  return { name, endpoint: edge.endpoint, pids: [edge.process.pid], stop: () => gateway.stop() };
}

/** A fleet of `stations` on one subject. Errors: BenchError if one of them does not get through. */
export async function fleetOn(
  subject: Subject,
  plan: { readonly prefix: string; readonly stations: number; readonly clients: number },
): Promise<Fleet> {
  const fleet = await Fleet.start(plan.clients);
  await fleet.connect({ prefix: plan.prefix, count: plan.stations, endpoints: [subject.endpoint] });
  const { open, failures } = await fleet.state();
  if (open === plan.stations) return fleet;
  await fleet.stop();
  throw new BenchError(
    `only ${open} of ${plan.stations} stations reached ${subject.name}: ${JSON.stringify(failures)}`,
  );
}
