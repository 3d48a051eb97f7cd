// Tells the log what /readyz tells an orchestrator: that the edge is not ready, why, and that it is again.
//
// N1. A change is told, not a state, and only one that lasts for two looks: a blip is no news.
// N2. Which problems there are makes the state, not their wording: numbers in it change with each look.
// N3. A drain tells of itself.
// N4. What lasts a minute is told once more if its words are others by then: at first a reason may not be known, as that of a name that
//     nobody resolves.

import type { Time, Timer } from "@cpg/session-registry";
import type { HealthVerdict } from "./health.ts";

/** The part of pino that is used. */
export interface ReadinessLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

const lookEveryMs = 2_000;
/** N4. */
const looksUntilSettled = 30;

/** Begins to look; cancel the timer to end. */
export function logReadiness(
  judge: () => HealthVerdict,
  log: ReadinessLog,
  time: Pick<Time, "every">,
): Timer {
  let told = "";
  let toldWords = "";
  let looksSince = 0;
  let seen = "";
  return time.every(lookEveryMs, () => {
    const problems = judge().problems.filter(({ code }) => code !== "draining"); // N3
    const state = [...new Set(problems.map(({ code }) => code))].toSorted().join(" "); // N2
    const words = problems.map(({ detail }) => detail.replace(/\d+/g, "")).join("\n"); // N2
    const isNews = state === seen && state !== told; // N1
    seen = state;
    looksSince = state === told ? looksSince + 1 : 0;
    const isKnownBetter = looksSince === looksUntilSettled && words !== toldWords; // N4
    if (!isNews && !isKnownBetter) return;
    told = state;
    toldWords = words;
    if (state === "") log.info({}, "ready again");
    else log.warn({ problems: problems.map(({ detail }) => detail) }, "not ready: see /readyz");
  });
}
