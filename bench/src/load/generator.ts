// The load generator's process: thousands of stations, driven by the benchmark over IPC (fleet.ts). I/O: sockets.
//
// L1. Each source address opens at most so many connections in turn: beyond, the kernel's search for a free port is slow.
// L2. What happens is counted by kind; nothing is dropped silently.
// L3. A station that lost its socket comes back (if so asked) at the next endpoint of its list, after a pause that is random
//     up to `retryMs`, which doubles with each failed attempt up to 8 times as much.

import { Histogram, type HistogramWire } from "../measure/histogram.ts";
import { serve } from "../system/worker.ts";
import { nowMs, pause, until } from "../time.ts";
import { Station, type StationEvents, type StationTarget } from "./station.ts";
import { Traffic, type TrafficCount, type TrafficPlan } from "./traffic.ts";

/** Where stations connect. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly path: string;
}

/** A part of the fleet, for one generator. */
export interface ConnectPlan {
  /** Station `n` is called `${prefix}${n}`. */
  readonly prefix: string;
  readonly first: number;
  readonly count: number;
  /** In order of preference; station n begins with number `n % spread` of them. */
  readonly endpoints: readonly Endpoint[];
  readonly spread: number;
  readonly subprotocol: string;
  readonly password?: string;
  /** Second octets of the source addresses are this generator's own: 127.0.<generator>.x */
  readonly generator: number;
  readonly perAddress: number;
  /** Stations that connect together, and the pause before the next ones; 0 stations: all at once. */
  readonly batch: number;
  readonly delayMs: number;
  readonly timeoutMs: number;
  /** Come back after a loss or a failure (L3); absent: never. */
  readonly retryMs?: number;
}

/** What a generator has seen since it started, or since `reset`. */
export interface GeneratorState {
  readonly stations: number;
  readonly open: number;
  readonly attempts: number;
  readonly failures: Readonly<Record<string, number>>;
  readonly losses: Readonly<Record<string, number>>;
  /** Connect times, µs. */
  readonly connects: HistogramWire;
}

/** How many were lost by which kind of end, by the port that they were connected to. */
export type LossesByPort = Record<string, Record<string, number>>;

interface Place {
  readonly plan: ConnectPlan;
  readonly index: number;
  endpoint: number;
  tries: number;
  station: Station | undefined;
}

const places: Place[] = [];
const placeOf = new WeakMap<Station, Place>();
const stations: Station[] = [];
let traffic = new Traffic(stations);
let opened = 0;
let attempts = 0;
let connects = new Histogram();
let failures: Record<string, number> = {};
let losses: Record<string, number> = {};
/** The losses that nobody has taken yet. */
let newLosses: LossesByPort = {};
let isLeaving = false;

const events: StationEvents = {
  opened(station, milliseconds) {
    opened += 1;
    connects.record(milliseconds * 1000);
    const place = placeOf.get(station);
    if (place !== undefined) place.tries = 0;
  },
  failed(station, kind) {
    failures[kind] = (failures[kind] ?? 0) + 1;
    comeBack(station);
  },
  lost(station, kind) {
    opened -= 1;
    losses[kind] = (losses[kind] ?? 0) + 1;
    const there = (newLosses[station.target.port] ??= {});
    there[kind] = (there[kind] ?? 0) + 1;
    comeBack(station);
  },
  answered: (station, microseconds) => traffic.answered(station, microseconds),
  wrong: (station, text) => traffic.wrong(station, text),
};

async function connectAll(plan: ConnectPlan): Promise<void> {
  isLeaving = false;
  const mine = Array.from({ length: plan.count }, (_, n): Place => {
    const index = plan.first + n;
    return { plan, index, endpoint: index % plan.spread, tries: 0, station: undefined };
  });
  for (const [n, place] of mine.entries()) {
    places.push(place);
    dial(place);
    if (plan.batch > 0 && (n + 1) % plan.batch === 0 && n + 1 < mine.length) await pause(plan.delayMs);
    else if ((n + 1) % 100 === 0) await pause(0); // let what came meanwhile be read: its time counts
  }
  await until(() => mine.every(isSettled), plan.timeoutMs + 1_000, 5);
}

function isSettled(place: Place): boolean {
  return place.station === undefined || place.station.isOpen;
}

// L1. Counted over all tries: a closed connection keeps its port for a minute, so the next round goes on at the next address.
let dialled = 0;

function sourceAddress({ generator, perAddress }: ConnectPlan): string {
  return `127.0.${generator}.${2 + (Math.floor(dialled++ / perAddress) % 250)}`;
}

function dial(place: Place): void {
  const { plan, index } = place;
  const endpoint = plan.endpoints[place.endpoint % plan.endpoints.length];
  if (endpoint === undefined) throw new RangeError("no endpoint");
  const target: StationTarget = {
    ...endpoint,
    identity: `${plan.prefix}${index}`,
    subprotocol: plan.subprotocol,
    localAddress: sourceAddress(plan), // L1
    ...(plan.password === undefined ? {} : { password: plan.password }),
  };
  attempts += 1;
  const station = new Station(target, events);
  const at = place.station === undefined ? -1 : stations.indexOf(place.station);
  if (at < 0) stations.push(station);
  else stations[at] = station;
  place.station = station;
  placeOf.set(station, place);
  setTimeout(() => station.expire(), plan.timeoutMs).unref();
}

// L3
function comeBack(station: Station): void {
  const place = placeOf.get(station);
  if (place === undefined || isLeaving) return;
  const { retryMs } = place.plan;
  if (retryMs === undefined) {
    place.station = undefined;
    return;
  }
  place.endpoint += 1;
  const bound = retryMs * 2 ** Math.min(3, place.tries++);
  setTimeout(() => {
    if (!isLeaving) dialAgain(place, station);
  }, Math.random() * bound);
}

function dialAgain(place: Place, gone: Station): void {
  stations.splice(stations.indexOf(gone), 1);
  place.station = undefined;
  dial(place);
}

async function closeAll(): Promise<void> {
  isLeaving = true;
  for (const [n, station] of stations.entries()) {
    station.close();
    if ((n + 1) % 500 === 0) await pause(0);
  }
  stations.length = 0;
  places.length = 0;
  opened = 0;
}

/** One CALL of every open station; settles when all are answered or `timeoutMs` have passed. */
async function callOnce({ tail, timeoutMs }: { tail: string; timeoutMs: number }): Promise<TrafficCount> {
  traffic = new Traffic(stations);
  const open = stations.filter((station) => station.isOpen);
  for (const [n, station] of open.entries()) {
    station.call(tail);
    if ((n + 1) % 100 === 0) await pause(0);
  }
  await until(() => !open.some((station) => station.isWaiting), timeoutMs, 5);
  return traffic.take();
}

serve({
  connect: connectAll,
  state: (): GeneratorState => ({
    stations: places.length,
    open: opened,
    attempts,
    failures,
    losses,
    connects: connects.toWire(),
  }),
  reset() {
    attempts = 0;
    connects = new Histogram();
    failures = {};
    losses = {};
  },
  takeLosses(): LossesByPort {
    const taken = newLosses;
    newLosses = {};
    return taken;
  },
  openAt: ({ port }: { port: number }): number =>
    stations.filter((station) => station.isOpen && station.target.port === port).length,
  close: closeAll,
  callOnce,
  startTraffic(plan: TrafficPlan) {
    traffic = new Traffic(stations);
    traffic.start(plan);
  },
  takeTraffic: (): TrafficCount => traffic.take(),
  async stopTraffic(): Promise<TrafficCount> {
    traffic.stop();
    const deadline = nowMs() + 30_000;
    await until(() => !stations.some((station) => station.isWaiting) || nowMs() > deadline, 30_000, 10);
    return traffic.take();
  },
});
