// What must hold after every scenario (issue 3, first line of the table), from everything the checkers saw.
//
// A1. First the traffic ends, then a second of quiet, then nothing may be left undecided: one socket, one row, one owner for each.
// A2. Last, every connected station is sent one command through a random edge: what the rows promise must work.

import { complaints, isRunning, metricSum } from "./world/edges.ts";
import { isOpen, type SocketLife } from "./world/fleet.ts";
import { judgeStream, Ledger } from "./world/ledger.ts";
import { until } from "./world/observer.ts";
import { delay, nowMs } from "./world/time.ts";
import type { World } from "./world/world.ts";

/** What a scenario's fault excuses. */
export interface Excuses {
  /** A failover may take acknowledged writes back: events may repeat or lack their end, rows may go back until they are asserted again. */
  readonly failover?: boolean;
  /** Identities whose rows the scenario itself damaged. */
  readonly damaged?: ReadonlySet<string>;
  /** Edge that could not ask Redis: what it told its own silent sockets it can only answer with 504, which has no word for ownership. */
  readonly cutEdge?: string;
}

const quietMs = 1000;
const settleMs = 30_000;

/** Ends the traffic and checks everything; returns the ledger for the scenario's own figures. */
export async function audit(world: World, excuses: Excuses = {}): Promise<Ledger> {
  const { commander, log, observer, fleet, report } = world;
  await world.calmDown();
  log("quiet, then the audit");
  await until(() => commander.commands.every(({ status }) => status !== undefined), settleMs);
  const settledMs = await until(() => isSettled(world), settleMs);
  await delay(quietMs); // A1
  await observer.refresh();
  const ledger = new Ledger(fleet.stations, observer.events);
  checkSockets(world);
  await checkRows(world, ledger, excuses);
  checkCommands(world, ledger, excuses);
  await sweep(world);
  await checkEdges(world);
  report.figure("settled after the traffic ended, ms", settledMs ?? `not within ${settleMs}`);
  report.figure("worst delay of this process's own event loop, ms", world.ownDelayMs());
  return ledger;
}

/** Every current socket has a row at its edge. */
async function isSettled({ fleet, observer }: World): Promise<boolean> {
  const connected = fleet.stations.filter(({ current }) => isOpen(current));
  const rows = await observer.rows(connected.map(({ identity }) => identity)).catch(() => undefined);
  return (
    rows !== undefined &&
    connected.every(({ identity, current }) => rows.get(identity)?.edge === current?.edge.name)
  );
}

const show = (life: SocketLife): string =>
  `${life.station.identity}@${life.edge.name} ${life.closeCode} ${life.closeReason}`;

function checkSockets({ fleet, report }: World): void {
  const lives = fleet.stations.flatMap((station) => station.lives);
  const dropped = lives.filter(
    (life) => life.openedAtMs !== undefined && life.closedAtMs !== undefined && !life.isLeft,
  );
  const unopened = lives.filter((life) => life.openedAtMs === undefined && !life.isLeft);
  report.mustBeNone("sockets dropped", dropped, show);
  report.mustBeNone("connections refused or never opened", unopened, show);
  const twice = fleet.stations.filter((station) => station.lives.filter(isOpen).length > 1);
  report.mustBeNone(
    "identities with two owners after 1 s of quiet",
    twice,
    (s: { identity: string }) => s.identity,
  );
  const [sent, answered] = [sum(lives, "heartbeatsSent"), sum(lives, "heartbeatsAnswered")];
  report.figure("Heartbeats sent / answered", `${sent} / ${answered}`);
}

const sum = (lives: readonly SocketLife[], name: "heartbeatsSent" | "heartbeatsAnswered"): number =>
  lives.reduce((total, life) => total + life[name], 0);

async function checkRows(world: World, ledger: Ledger, { failover, damaged }: Excuses): Promise<void> {
  const { fleet, observer, report, rowWatch } = world;
  const rows = await observer.rows([...ledger.byIdentity.keys()]);
  const connected = fleet.stations.filter(({ current }) => isOpen(current));
  const lost = connected.filter(({ identity, current }) => rows.get(identity)?.edge !== current?.edge.name);
  report.mustBeNone(
    "claims lost (connected, but no row at its edge)",
    lost,
    (s: { identity: string }) => s.identity,
  );
  const isConnected = new Set(connected.map(({ identity }) => identity));
  const ghosts = [...rows.keys()].filter((identity) => !isConnected.has(identity));
  report.mustBeNone("rows without a socket", ghosts);
  const undamaged = new Map([...ledger.byIdentity].filter(([identity]) => !damaged?.has(identity)));
  const faults = judgeStream(undamaged, (identity) => rows.get(identity)?.epoch);
  const setbacks = rowWatch.unexplained(observer.events).filter(({ identity }) => !damaged?.has(identity));
  report.figure("lifecycle events", observer.events.length);
  report.mustBeNone("lifecycle events that contradict others", faults.contradictions);
  if (failover) {
    report.figure("events repeated by the failover", faults.repeated.length);
    report.figure("epochs whose end the failover lost", faults.unended.length);
    report.figure("rows the failover took back for a while", setbacks.length);
    return;
  }
  report.mustBeNone("lifecycle events more than once", faults.repeated);
  report.mustBeNone("epochs that ended without their event", faults.unended, (e: { id: string }) => e.id);
  report.mustBeNone("newer rows erased", setbacks, (s: { identity: string }) => s.identity);
}

function checkCommands({ fleet, commander, report }: World, ledger: Ledger, { cutEdge }: Excuses): void {
  const byId = new Map(commander.commands.map((command) => [command.id, command]));
  const copies = Map.groupBy(fleet.deliveries, ({ command }) => command);
  const twice = [...copies].filter(([, all]) => all.length > 1).map(([id]) => id);
  report.mustBeNone("commands delivered twice", twice);
  const wrong = fleet.deliveries.filter((delivery) => {
    const command = byId.get(delivery.command);
    return command !== undefined && ledger.wasSuperseded(delivery, command);
  });
  const told = wrong.filter(({ command }) => byId.get(command)?.ownership === "unverified");
  report.figure("commands to a superseded socket through a lapsed edge, told `unverified`", told.length);
  const mute = wrong.filter(({ command, life }) => {
    const sent = byId.get(command);
    return sent?.status === 504 && sent.via.name === cutEdge && life.edge.name === cutEdge;
  });
  if (cutEdge !== undefined) report.figure("… and to silent ones of the cut edge, answered 504", mute.length);
  report.mustBeNone(
    "commands to a superseded socket otherwise",
    wrong.filter((delivery) => !told.includes(delivery) && !mute.includes(delivery)),
    ({ command, life }: (typeof wrong)[number]) =>
      `${command} to ${show(life)}, ${JSON.stringify(byId.get(command)?.status)}`,
  );
  report.figure("commands", outcomes(commander.commands));
}

/** `200 verified: 512, 404: 3 …`. */
export function outcomes(
  commands: readonly { readonly status: number | undefined; readonly ownership: string | undefined }[],
): string {
  const counts = new Map<string, number>();
  for (const { status, ownership } of commands) {
    const key = `${status ?? "open"}${ownership === undefined ? "" : ` ${ownership}`}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].map(([key, count]) => `${key}: ${count}`).join(", ") || "none";
}

/** A2. */
async function sweep({ fleet, commander, edges, report }: World): Promise<void> {
  const connected = fleet.stations.filter(({ current }) => isOpen(current));
  const before = fleet.deliveries.length;
  const beganAtMs = nowMs();
  const results = await commander.sweep(connected, edges);
  const late = new Map(fleet.deliveries.slice(before).map((delivery) => [delivery.command, delivery.life]));
  const good = results.filter(
    (command) => command.ownership === "verified" && late.get(command.id) === command.station.current,
  );
  report.must(
    "every connected station reached by a command through a random edge",
    good.length === connected.length,
    `${good.length} of ${connected.length} in ${nowMs() - beganAtMs} ms (${outcomes(results)})`,
  );
}

async function checkEdges({ edges, fleet, report }: World): Promise<void> {
  const reachable = edges.filter((edge) => edge.isReachable);
  report.mustBeNone(
    "edges that ended by themselves",
    reachable.filter((edge) => !isRunning(edge)),
    (edge: { name: string }) => edge.name,
  );
  report.mustBeNone("errors in the edges' logs", reachable.flatMap(complaints));
  const names = new Set(reachable.map(({ name }) => name));
  const open = fleet.stations
    .flatMap(({ lives }) => lives)
    .filter((life) => isOpen(life) && names.has(life.edge.name));
  const counted = await metricSum(reachable, "websocket_connections_active");
  report.must(
    "sockets that the edges count = sockets here",
    counted === open.length,
    `${counted} / ${open.length}`,
  );
}
