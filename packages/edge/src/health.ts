// Whether this edge should get new charge points, and why not. Pure.
//
// V1. Ready means no problem, and every problem says what it is: a verdict without a reason does not exist.
// V2. What the registry says of itself is repeated, and checked against its plain facts: a lapsed lease or a dead channel
//     is a problem even if the registry forgot to say so (FACTS §8: a health endpoint that always says healthy says nothing).

import type { OwnershipHealth } from "@cpg/session-registry";

/** What the verdict is made of. */
export interface HealthFacts {
  readonly ownership: OwnershipHealth;
  readonly isDraining: boolean;
  readonly sessions: number;
  /** Setting that bounds `sessions`. */
  readonly maxSessions: number;
  /** How late the event loop ran lately, ms (a high percentile, not the mean). */
  readonly loopDelayMs: number;
}

/** One reason why the edge is not ready. `code` is stable, `detail` is for people. */
export interface HealthProblem {
  readonly code: "registry" | "draining" | "full" | "eventLoop";
  readonly detail: string;
}

/** The verdict. */
export interface HealthVerdict {
  readonly ready: boolean;
  readonly problems: readonly HealthProblem[];
}

/** Event loop delay above which the edge takes no new charge points, ms: a tenth of a 10 s handshake patience. */
export const maxLoopDelayMs = 1000;

/** Judges the facts (V1). */
export function judgeHealth(facts: HealthFacts): HealthVerdict {
  const problems: HealthProblem[] = [...registryProblems(facts.ownership)];
  if (facts.isDraining) {
    problems.push({ code: "draining", detail: "This edge shuts down: its charge points are being moved." });
  }
  if (facts.sessions >= facts.maxSessions) {
    const detail = `It holds ${facts.sessions} charge points, and may hold ${facts.maxSessions}.`;
    problems.push({ code: "full", detail });
  }
  if (!(facts.loopDelayMs <= maxLoopDelayMs)) {
    const detail = `The event loop runs ${Math.round(facts.loopDelayMs)} ms late; up to ${maxLoopDelayMs} ms is normal.`;
    problems.push({ code: "eventLoop", detail });
  }
  return { ready: problems.length === 0, problems };
}

function* registryProblems(health: OwnershipHealth): Generator<HealthProblem> {
  for (const detail of health.problems) yield { code: "registry", detail };
  if (health.problems.length > 0) return;
  if (!health.isLeaseValid) {
    const age = Math.round(health.leaseAgeMs);
    yield { code: "registry", detail: `The lease has lapsed: it was last renewed ${age} ms ago.` }; // V2
  }
  if (!health.isChannelAlive) {
    yield { code: "registry", detail: "The own wake-up channel was probed and did not answer." }; // V2
  }
}
