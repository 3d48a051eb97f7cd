// A small fleet's day in a few seconds: the bench's own load (CALLs over every kind of route, commands to every charge point through
// both edges), and beside it the small faults of every day, which a benchmark does not have. I/O: processes, sockets, HTTP.

import { setTimeout as delay } from "node:timers/promises";
import {
  bootNotification,
  Fleet,
  heartbeat,
  meterValues,
  startCommander,
  type Commander,
  type CommandCount,
  type Endpoint,
} from "@cpg/bench/load";
import { eventually } from "@cpg/testkit";
import { expect } from "vitest";
import type { EdgeProcess, Stack } from "./stack.ts";

/** How much load. */
export interface LoadPlan {
  readonly stations: number;
  /** CALLs per second of all stations together. */
  readonly rate: number;
}

/** The bench's load; goes on until it is stopped. */
export interface Load {
  /** What has ended until now. In a fault, what fails is for Prometheus to tell. */
  readonly counted: {
    /** CALLs with their CALLRESULT; with another answer, or none. */
    readonly calls: number;
    readonly badCalls: number;
    /** Commands with the charge point's answer; with another end. */
    readonly commands: number;
    readonly badCommands: number;
  };
  /** Sends a command through an edge to each of `size` charge points `<prefix>0`, …, all at once; settles when all have ended. */
  command(edge: EdgeProcess, prefix: string, size: number): Promise<CommandCount>;
  stop(): Promise<void>;
}

const prefix = "CP";
/** Over HTTP, at the edge, into a stream (stack.ts); each for a stretch of its own, so short that two scrapes see all. */
const tails = [bootNotification, heartbeat, meterValues];
const stretchSeconds = 0.3;
const commandsAtOnce = 2;
const commandPauseMs = 1_000;

/** Where the bench's stations find an edge. */
export function endpointOf(edge: EdgeProcess): Endpoint {
  const { hostname, port, pathname } = new URL(edge.endpoint);
  return { host: hostname, port: Number(port), path: `${pathname}/` };
}

/** Connects the bench's stations to both edges, keeps them busy, and commands them through both. A lost one comes back. */
export async function startLoad({ edges }: Stack, { stations, rate }: LoadPlan): Promise<Load> {
  const [fleet, commander] = await Promise.all([Fleet.start(1), startCommander()]);
  await fleet.connect({ prefix, count: stations, endpoints: edges.map(endpointOf), retryMs: 500 });
  // An open socket is registered a moment later; a command to it through the other edge is answered from then on.
  await eventually(
    async () => {
      const { answered } = await command(commander, edges[0], { prefix, stations, concurrency: 1 });
      expect(answered).toBe(stations);
    },
    { timeoutMs: 20_000, intervalMs: 100 },
  );
  const counted = { calls: 0, badCalls: 0, commands: 0, badCommands: 0 };
  const over = new AbortController();

  async function call(): Promise<void> {
    for (let n = 0; !over.signal.aborted; n++) {
      const stretch = { tail: tails[n % tails.length]!, rate, seconds: stretchSeconds, warmUpSeconds: 0 };
      const { answered, wrong, unanswered } = await fleet.traffic(stretch, []);
      counted.calls += answered;
      counted.badCalls += wrong + unanswered;
    }
  }

  async function commandAll(edge: EdgeProcess): Promise<void> {
    while (!over.signal.aborted) {
      const { answered } = await command(commander, edge, { prefix, stations, concurrency: commandsAtOnce });
      counted.commands += answered;
      counted.badCommands += stations - answered;
      await delay(commandPauseMs, undefined, { signal: over.signal });
    }
  }

  // Stopping gives up what the generators have begun: then that they end is meant.
  const running = Promise.all([call(), ...edges.map(commandAll)]).catch((error: unknown) => {
    if (!over.signal.aborted) throw error;
  });
  return {
    counted,
    command: (edge, to, size) => command(commander, edge, { prefix: to, stations: size, concurrency: size }),
    async stop() {
      over.abort();
      await Promise.all([fleet.stop(), commander.stop()]);
      await running;
    },
  };
}

/** One command to each of these charge points. */
function command(
  commander: Commander,
  edge: EdgeProcess,
  to: { readonly prefix: string; readonly stations: number; readonly concurrency: number },
): Promise<CommandCount> {
  const path = "/v1/charge-points/{id}/commands";
  return commander.run({ ...to, origin: edge.api, path, commands: to.stations, seconds: 0 });
}

/** The small faults of every day; they go on until they are stopped. */
export interface EverydayFaults {
  stop(): Promise<void>;
}

/**
 * Four times a second: a wrong subprotocol, a charge point that comes back elsewhere and sends what no version allows, a command to
 * one that is not there. With `newcomers` another charge point comes to the first edge each time, and stays.
 */
export function startEverydayFaults(
  { edges }: Stack,
  load: Load,
  options: { readonly newcomers?: boolean } = {},
): EverydayFaults {
  let round = 0;
  let unfinished: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    round += 1;
    unfinished = Promise.allSettled([
      unfinished,
      connected(edges[0], "CP-OLD", "ocpp0.9"),
      vagabond(`CP-VAGABOND-${round}`, edges[round % 2]!, edges[(round + 1) % 2]!),
      load.command(edges[0], "NOBODY-", 1),
      ...(options.newcomers ? [connected(edges[0], `CP-NEW-${round}`)] : []),
    ]);
  }, 250);
  return {
    async stop() {
      clearInterval(timer);
      await unfinished;
    },
  };
}

/** A charge point that is here, then there: its old socket is evicted. The backend does not know its tag; then it leaves. */
async function vagabond(identity: string, here: EdgeProcess, there: EdgeProcess): Promise<void> {
  const old = await connected(here, identity);
  setTimeout(() => old.close(), 1_000); // it is gone by then, unless Redis hangs or the other edge is away
  const socket = await connected(there, identity);
  socket.addEventListener("message", ({ data }) => {
    if (String(data).includes('"m1"')) socket.close();
  });
  socket.send("not JSON");
  socket.send('[3,"never asked",{}]');
  socket.send('[2,"m1","Authorize",{"idTag":"UNKNOWN"}]');
}

/** A charge point of no bench: what it sends is the caller's. */
export function connected(edge: EdgeProcess, identity: string, subprotocol = "ocpp1.6"): Promise<WebSocket> {
  const socket = new WebSocket(`${edge.endpoint}/${identity}`, subprotocol);
  return new Promise((resolve, reject) => {
    socket.addEventListener("open", () => resolve(socket), { once: true });
    socket.addEventListener("error", () => reject(new Error(`no connection to ${socket.url}`)), {
      once: true,
    });
  });
}
