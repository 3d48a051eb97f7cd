// What `messages` compares: each subject as a process with stations of its own, and what they are sent. M1 to M6 stand in messages.ts.

import type { Fleet, TrafficResult } from "../load/fleet.ts";
import { heartbeat, meterValues } from "../load/payloads.ts";
import { valueOf, type Surroundings, type Values } from "../scenario.ts";
import type { Closing } from "../system/closing.ts";
import { startGateway } from "../system/gateway.ts";
import { startRedis } from "../system/redis.ts";
import { edgeOf, fleetOn, startLeast, startPeer, type Subject } from "../system/subject.ts";
import { linesOfLosses, wrongOfTraffic } from "./reading.ts";

/** One line of the table: a subject and what it is sent. */
export interface Lane {
  readonly subject: Subject;
  readonly fleet: Fleet;
  readonly label: string;
  readonly tail: string;
  /** CALLs per second of the paced stretch. */
  readonly rate: number;
  /** Takes turns with the POST (M4). */
  readonly takesTurns: boolean;
  /** M6 */
  readonly isPeer: boolean;
  readonly flood: TrafficResult[];
  readonly paced: TrafficResult[];
  readonly wrong: string[];
  readonly warnings: string[];
}

/** Starts every subject with its stations; `owner` ends them. `pids`: of all that runs then. */
export async function openLanes(
  { values, say, nodeArguments }: Surroundings,
  owner: Closing,
  origin: string,
): Promise<{ lanes: Lane[]; pids: number[] }> {
  const redis = owner.own(await startRedis());
  const shared = { edges: 1, redisNodes: redis.addresses, nodeArguments };
  say("starting the limit, the peers and three edges (local, http, stream)");
  const subjects = {
    limit: owner.own(await startPeer("raw-uws")),
    local: owner.own(edgeOf(await startGateway({ ...shared, routes: localRoutes }), "edge, local")),
    ocppRpc: owner.own(await startPeer("ocpp-rpc")),
    ws: owner.own(await startPeer("ws")),
    http: owner.own(edgeOf(await startGateway({ ...shared, routes: httpRoutes(origin) }), "edge, http")),
    stream: owner.own(edgeOf(await startGateway({ ...shared, routes: streamRoutes }), "edge, stream")),
    proxy: owner.own(await startLeast("least-proxy", { origin, path: "/MeterValues/least" })),
  };
  const fleets = new Map<Subject, Fleet>();
  const plan = { prefix: "CP", stations: valueOf(values, "stations"), clients: valueOf(values, "clients") };
  for (const subject of Object.values(subjects)) fleets.set(subject, owner.own(await fleetOn(subject, plan)));
  const lane = (subject: Subject, { label, tail, rate }: Pick<Lane, "label" | "tail" | "rate">): Lane => {
    const fleet = fleets.get(subject);
    if (fleet === undefined) throw new Error("a lane without a fleet");
    const takesTurns = subject === subjects.proxy || subject === subjects.http;
    const isPeer = subject === subjects.ws || subject === subjects.ocppRpc;
    const found = { flood: [], paced: [], wrong: [], warnings: [] };
    return { subject, fleet, label, tail, rate, takesTurns, isPeer, ...found };
  };
  const beats = { label: "Heartbeat", tail: heartbeat, rate: valueOf(values, "rate") };
  const meters = { label: "MeterValues", tail: meterValues, rate: valueOf(values, "backend-rate") };
  const { limit, local, ws, ocppRpc, proxy, http, stream } = subjects;
  const lanes = [
    ...[limit, local, ws, ocppRpc].map((subject) => lane(subject, beats)),
    ...[limit, local, ws, ocppRpc, proxy, http, stream].map((subject) => lane(subject, meters)),
  ];
  const served = [...fleets].flatMap(([subject, fleet]) => [...subject.pids, ...fleet.pids]);
  return { lanes, pids: [...served, ...redis.nodes.map((node) => node.pid())] };
}

const localRoutes = {
  integrations: { clock: { type: "local", handler: "heartbeat" }, demo: { type: "local", handler: "demo" } },
  routes: { Heartbeat: "clock", MeterValues: "demo" },
};

const streamRoutes = { integrations: { meters: { type: "stream" } }, routes: { MeterValues: "meters" } };

function httpRoutes(origin: string): object {
  return {
    integrations: { csms: { type: "http", url: `${origin}/{action}/{identity}` } },
    routes: { MeterValues: "csms" },
  };
}

/** A stretch at `pace` times the lane's own, and one without a pace; gives the latter (M2). */
export async function measure(lane: Lane, values: Values, pace: number): Promise<TrafficResult> {
  const { fleet, subject, tail, rate } = lane;
  const stretch = async (perSecond: number): Promise<TrafficResult> => {
    const plan = { tail, rate: perSecond, seconds: valueOf(values, "seconds"), warmUpSeconds: 0.5 };
    const result = await fleet.traffic(plan, subject.pids);
    note(lane, result);
    return result;
  };
  lane.paced.push(await stretch(rate * pace));
  const flood = await stretch(0);
  lane.flood.push(flood);
  return flood;
}

/** Looks at who was lost since the last stretch (M6). */
export async function noteLosses(lane: Lane): Promise<void> {
  noteLost(lane, await lane.fleet.takeLosses());
}

/** Keeps what was wrong in a stretch (M6). */
export function note(lane: Lane, result: TrafficResult): void {
  noteLost(lane, result.losses);
  lane.wrong.push(...wrongOfTraffic(nameOf(lane), [{ ...result, losses: {} }]));
}

function noteLost(lane: Lane, losses: TrafficResult["losses"]): void {
  (lane.isPeer ? lane.warnings : lane.wrong).push(...linesOfLosses(nameOf(lane), losses));
}

function nameOf({ subject, label }: Lane): string {
  return `${subject.name}, ${label}`;
}
