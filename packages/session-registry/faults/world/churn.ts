// Charge points that come and go all the while: they show whether claims flow, and how long one takes. I/O: TCP, through the fleet.

import { pick } from "./commander.ts";
import type { Edge } from "./edges.ts";
import { type Fleet, isOpen, type Station } from "./fleet.ts";
import { after, every } from "./time.ts";

/** How long one stays, ms. */
const stayMs = 2000;

/** Connects `perSecond` stations to reachable edges; each leaves in order and comes back later. The returned function ends it: all of them leave. */
export function startChurn(fleet: Fleet, edges: readonly Edge[], perSecond: number): () => void {
  const idle: Station[] = fleet.make(perSecond * 5, "churn");
  let due = 0;
  const tick = (): void => {
    for (due += perSecond / 20; due >= 1; due--) {
      const station = idle.shift();
      const edge = pick(edges.filter((each) => each.isReachable));
      if (!station) return;
      idle.push(station);
      if (!edge || station.current) continue;
      const life = fleet.dial(station, edge);
      after(stayMs, () => {
        if (station.current !== life) return;
        if (isOpen(life)) fleet.leave(station);
        else station.current = undefined;
      });
    }
  };
  const stop = every(50, tick);
  return () => {
    stop();
    for (const station of idle) if (station.current) fleet.leave(station);
  };
}
