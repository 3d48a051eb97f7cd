// The process behind churn.ts: dials, leaves, moves, and hands over what it saw. I/O: TCP, the channel to its parent.

import { setTimeout as delay } from "node:timers/promises";
import { churnPrefix, type FromChurn, type ToChurn } from "./churn.ts";
import { type Door, Fleet, isOpen, type SocketLife, type Station } from "./fleet.ts";
import { after, chance, every } from "./time.ts";

/** How long one stays, ms. */
const stayMs = 2000;
/** What sockets may take to close in order, ms. */
const leaveMs = 500;

const fleet = new Fleet(stayMs);
let doors: readonly Door[] = [];
let idle: Station[] = [];
let stop = (): void => {};

const say = (message: FromChurn): void => void process.send?.(message);

function dial(station: Station, isMover: boolean): void {
  const others = doors.filter((door) => door !== station.current?.edge);
  const door = others[Math.floor(chance() * others.length)];
  if (!door) return;
  fleet.silence(station);
  const life = fleet.dial(station, door);
  after(stayMs, () => {
    if (station.current !== life) return;
    if (!isOpen(life)) station.current = undefined;
    else if (isMover) dial(station, false);
    else fleet.leave(station);
  });
}

function begin({ count, perSecond, edges }: Extract<ToChurn, { kind: "begin" }>): void {
  doors = edges;
  idle = fleet.make(count, churnPrefix);
  let due = 0;
  let turn = 0;
  stop = every(10, () => {
    for (due += perSecond / 100; due >= 1; due--) {
      const station = idle.shift();
      if (!station) return;
      idle.push(station);
      if (!station.current) dial(station, turn++ % 2 === 0);
    }
  });
}

/** Sockets at an edge that is about to be killed or stopped are given up: their end is no news. */
function giveUp(names: readonly string[]): void {
  doors = doors.filter(({ name }) => names.includes(name));
  for (const { lives } of fleet.stations) {
    for (const life of lives) if (!names.includes(life.edge.name)) life.isLeft = true;
  }
}

async function end(): Promise<void> {
  stop();
  doors = [];
  await delay(stayMs / 4); // who is connecting
  for (const station of fleet.stations) fleet.leaveAll(station);
  await delay(leaveMs);
  const lives = fleet.stations.flatMap((station) => station.lives);
  const indexOf = new Map(lives.map((life, i) => [life, i]));
  const plain = ({ station, edge, ...rest }: SocketLife) => ({
    ...rest,
    identity: station.identity,
    edge: edge.name,
  });
  say({
    kind: "ended",
    lives: lives.map(plain),
    deliveries: fleet.deliveries.map(({ command, life, atMs }) => ({
      command,
      life: indexOf.get(life) ?? -1,
      atMs,
    })),
  });
}

process.on("message", (message: ToChurn) => {
  if (message.kind === "begin") begin(message);
  else if (message.kind === "end") void end();
  else {
    giveUp(message.names);
    say({ kind: "noted" });
  }
});
process.on("disconnect", () => process.exit());
