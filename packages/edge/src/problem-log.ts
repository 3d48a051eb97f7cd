// Tells the log in words why backends and streams give no usable answer: metrics count how often, under a handful of labels.
//
// L1. The same words about the same integration are told once in five minutes: each CALL may meet the failure a dozen times. The action that
//     met it first is told with them; that others meet it too is not news.
// L2. At most 64 sayings are remembered; what is new beyond that is not told until one of them may be told again.
// L3. Only the error's own words are told, never the object (clients hang commands with passwords on it), and never what a backend wrote.
// L4. That it is over is told once, when an answer comes and nothing has failed for half a minute. What fails then is news, whatever its words.

import { describeFailure, type Time } from "@cpg/session-registry";

/** The part of pino that is used. */
export interface ProblemLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** What is told of integrations, by their names in the routes file. */
export interface ProblemLog {
  /** It met an error, or what the words say; `action`: of the CALL for which it did, where that is known. */
  failed(integration: string, problem: Error | string, action?: string): void;
  /** It gave a usable answer: one look-up while nothing is wrong. */
  answered(integration: string): void;
}

const repeatAfterMs = 300_000;
const maxRemembered = 64;
// Longer than a CALL is tried by default, at least once in two seconds: while one of them only fails, it is not over (L4).
const wellAfterMs = 30_000;

/** Makes the log of one edge. */
export function createProblemLog(logger: ProblemLogger, time: Pick<Time, "monotonicMs">): ProblemLog {
  /** When each saying was told, oldest first. */
  const toldAtMs = new Map<string, number>();
  /** When each integration that is not well failed last. */
  const failedAtMs = new Map<string, number>();
  return {
    failed(integration, problem, action) {
      const nowMs = time.monotonicMs();
      failedAtMs.set(integration, nowMs);
      for (const [saying, atMs] of toldAtMs) {
        if (nowMs - atMs < repeatAfterMs) break;
        toldAtMs.delete(saying);
      }
      const why = typeof problem === "string" ? problem : describeFailure(problem); // L3
      const saying = beginningOf(integration) + why;
      if (toldAtMs.has(saying) || toldAtMs.size >= maxRemembered) return; // L1, L2
      toldAtMs.set(saying, nowMs);
      logger.warn(
        { integration, action, why },
        "an integration gave no usable answer; told once in 5 minutes",
      );
    },
    answered(integration) {
      const atMs = failedAtMs.get(integration);
      if (atMs === undefined || time.monotonicMs() - atMs < wellAfterMs) return;
      failedAtMs.delete(integration);
      const beginning = beginningOf(integration);
      for (const saying of toldAtMs.keys()) if (saying.startsWith(beginning)) toldAtMs.delete(saying);
      logger.info({ integration }, "an integration answers again"); // L4
    },
  };
}

function beginningOf(integration: string): string {
  return `${integration}: `;
}
