// What is counted around the streams: how long until an entry is safe, how many messages are held, how long the streams are.
//
// L1. Lengths are read now and then, never by a scrape: as often as the Redis nodes are asked. Who leaves the nodes to an exporter still has nobody else to
//     tell lengths. Each edge reads those of its own routes: one that is elected for all may not know of a stream. That is an XLEN for each
//     partition, 70 a second of 64 edges with one stream of 16.
// L2. Of a stream's partitions the longest is told: that is the one that will hold messages back.

import type { Time } from "@cpg/session-registry";
import type { Meter } from "@cpg/telemetry";
import type { Route } from "./integration.ts";
import type { Append, Appended, StreamLog } from "./integrations/stream-log.ts";
import { streamKey } from "./integrations/stream.ts";
import type { IntegrationInstruments } from "./instruments.ts";
import type { RoutePlan } from "./routes-file.ts";
import type { Expiry } from "./until-deadline.ts";

/** Has the entries timed that a replica must confirm: appending and WAIT together, which is what their charge points wait for. */
export function timedStreamLog(log: StreamLog, meter: Meter, time: Pick<Time, "monotonicMs">): StreamLog {
  const confirmed = meter.histogram("stream_confirm_duration_seconds", { outcome: "confirmed" });
  const unconfirmed = meter.histogram("stream_confirm_duration_seconds", { outcome: "unconfirmed" });
  return {
    async append(entry: Append, expiry: Expiry): Promise<Appended> {
      const startedMs = time.monotonicMs();
      const appended = await log.append(entry, expiry);
      if (entry.replicas > 0 && (appended.kind === "ok" || appended.kind === "unconfirmed")) {
        const seconds = (time.monotonicMs() - startedMs) / 1000;
        (appended.kind === "ok" ? confirmed : unconfirmed).record(seconds);
      }
      return appended;
    },
    waitingFor: (stream) => log.waitingFor(stream),
    length: (stream) => log.length(stream),
    close: () => log.close(),
  };
}

/** How many messages a stream holds now, all its routes together. */
export interface StreamLoad {
  messages: number;
}

/** Counts a message as in flight from its receipt to its answer: stored, or given up at its deadline. */
export function countingHeld(
  route: Route,
  load: StreamLoad,
  instruments: Pick<IntegrationInstruments, "inFlight">,
): Route {
  return {
    ...route,
    async serve(call) {
      instruments.inFlight((load.messages += 1));
      try {
        return await route.serve(call);
      } finally {
        instruments.inFlight((load.messages -= 1));
      }
    },
  };
}

/** A stream of the plan. */
export interface WatchedStream {
  readonly name: string;
  readonly partitions: number;
  readonly maxLength: number;
}

/** The streams of a plan, each once. */
export function streamsOf(plan: readonly RoutePlan[], defaultMaxLength: number): readonly WatchedStream[] {
  const streams = new Map<string, WatchedStream>();
  for (const { to } of plan) {
    if (to.type !== "stream") continue;
    const { name, partitions } = to;
    streams.set(name, { name, partitions, maxLength: to.maxLength ?? defaultMaxLength });
  }
  return [...streams.values()];
}

/** What watching lengths needs. */
export interface StreamWatchPorts {
  readonly time: Pick<Time, "every">;
  readonly meter: Pick<Meter, "observe">;
  readonly keyPrefix: string;
  /** `telemetry.redisNodesMs`; 0: the nodes are not asked. */
  readonly redisNodesMs: number;
  /** Entries of a stream's key; undefined where Redis did not say. */
  readonly length: (stream: string) => Promise<number | undefined>;
}

const withoutNodesMs = 15_000; // L1

/** Reads the streams' lengths (L1). Returns the end. */
export function watchStreams(streams: readonly WatchedStream[], ports: StreamWatchPorts): () => void {
  if (streams.length === 0) return () => undefined;
  let lengths: ReadonlyMap<string, number> = new Map();
  let isRunning = false;
  const round = async (): Promise<void> => {
    if (isRunning) return;
    isRunning = true;
    const read = await Promise.all(
      streams.map(async (stream) => [stream.name, await longest(stream, ports)] as const),
    );
    lengths = new Map(
      read.flatMap(([name, length]) => (length === undefined ? [] : [[name, length] as const])),
    );
    isRunning = false;
  };
  const everyMs = ports.redisNodesMs === 0 ? withoutNodesMs : ports.redisNodesMs;
  const timer = ports.time.every(everyMs, () => void round());
  const stops = [
    ports.meter.observe("integration_stream_length", () =>
      [...lengths].map(([integration, value]) => ({ value, labels: { integration } })),
    ),
    ports.meter.observe("integration_stream_limit", () =>
      streams
        .filter(({ name }) => lengths.has(name))
        .map(({ name, maxLength }) => ({ value: maxLength, labels: { integration: name } })),
    ),
  ];
  return () => {
    timer.cancel();
    for (const stop of stops) stop();
  };
}

/** L2. Undefined where no partition's length could be read. */
async function longest(
  { name, partitions }: WatchedStream,
  { keyPrefix, length }: StreamWatchPorts,
): Promise<number | undefined> {
  const keys = Array.from({ length: partitions }, (_, at) => streamKey({ keyPrefix, stream: name }, at));
  const read = await Promise.all(keys.map((key) => length(key)));
  const known = read.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}
