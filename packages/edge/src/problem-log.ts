// Tells the log in words why backends and streams do not answer: metrics count how often, under a handful of labels.
//
// L1. The same words about the same integration are told once in five minutes: each CALL may meet the failure a dozen times.
// L2. At most 64 sayings are remembered; what is new beyond that is not told until one of them may be told again.
// L3. Only the error's own words are told, never the object: clients hang commands with passwords on it.

import { describeFailure, type Time } from "@cpg/session-registry";

/** The part of pino that is used. */
export interface ProblemLogger {
  warn(fields: object, message: string): void;
}

/** Tells that `integration` met `error`. */
export type TellProblem = (integration: string, error: Error) => void;

const repeatAfterMs = 300_000;
const maxRemembered = 64;

/** Makes the log of one edge. */
export function createProblemLog(logger: ProblemLogger, time: Pick<Time, "monotonicMs">): TellProblem {
  /** When each saying was told, oldest first. */
  const toldAtMs = new Map<string, number>();
  return (integration, error) => {
    const nowMs = time.monotonicMs();
    for (const [saying, atMs] of toldAtMs) {
      if (nowMs - atMs < repeatAfterMs) break;
      toldAtMs.delete(saying);
    }
    const why = describeFailure(error); // L3
    const saying = `${integration}: ${why}`;
    if (toldAtMs.has(saying) || toldAtMs.size >= maxRemembered) return; // L1, L2
    toldAtMs.set(saying, nowMs);
    logger.warn({ integration, why }, "an integration did not answer; told once in 5 minutes");
  };
}
