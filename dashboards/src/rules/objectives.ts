// The objectives that burn-rate alerts defend, and their recording rules. Pure.
//
// O1. What the caller did wrong costs no budget: a bad identity, a wrong password, a command to a charge point that is not there.
// O2. Each ratio is bad / all, never 1 − good / all: a counter that has not begun would otherwise hide a total failure. Where
//     it is the bad ones that have not begun, the ratio is 0 and not absent: a healthy alert has data to judge.
// O3. Per edge and summed from counters, so that a fleet's ratio is a sum of rates and never a mean of ratios.

import { inRules } from "../promql.ts";
import type { Window, Windows } from "../windows.ts";
import type { RecordingRule } from "./rule.ts";

/** A promise about a share of events. */
export interface Objective {
  /** The subject in the names of its series: `cpg:<name>_failures:ratio_5m`. */
  readonly name: string;
  /** Share of events that may fail, of 1. */
  readonly budget: number;
  /** Selectors of counters: events that failed, and all of them. */
  readonly bad: string;
  readonly all: readonly string[];
}

const connectRefusals = inRules.series("websocket_connections_refused_total", {
  reason: ["capacity", "registryAway", "aborted", "internal"],
});

/** 99.9 % of the upgrades that deserve a socket get one. `aborted`: the charge point gave up waiting for us. `draining` is meant. */
const connect: Objective = {
  name: "connect",
  budget: 0.001,
  bad: connectRefusals,
  all: [inRules.series("websocket_connections_total"), connectRefusals],
};

/**
 * 99.9 % of CALLs are answered by a backend. `callError`: the backend's own verdict, which is an answer. A SEND, which nobody answers, counts
 * by what its backend made of it.
 */
const messages: Objective = {
  name: "message",
  budget: 0.001,
  bad: inRules.series("ocpp_calls_total", { outcome: ["fault", "unanswered"] }),
  all: [inRules.series("ocpp_calls_total")],
};

/** 99 % of commands to connected charge points end with the charge point's answer; some stations sleep, hence not more. */
const commands: Objective = {
  name: "command",
  budget: 0.01,
  bad: inRules.series("commands_total", { outcome: ["noAnswer", "edgeBusy", "registryAway", "stopping"] }),
  all: [inRules.series("commands_total", { outcome: { not: ["offline", "lineFull", "leaving"] } })],
};

/** All objectives. */
export const objectives = { connect, messages, commands } as const;

/** The windows of burn rates: a short and a long one, each with a twelfth of itself to end the alert soon after the fault. */
export const burnWindows = ["5m", "30m", "1h", "6h"] as const satisfies readonly Window[];

/** The name of an objective's recorded ratio. */
export function ratioName(objective: Objective, window: (typeof burnWindows)[number]): string {
  return `cpg:${objective.name}_failures:ratio_${window}`;
}

/** The share of failures among all events, over a window and by labels (O2, O3). */
export function failureShare(
  by: readonly string[],
  { bad, all }: Pick<Objective, "bad" | "all">,
  window: string,
): string {
  const rate = (selector: string): string => `sum by (${by.join(", ")}) (rate(${selector}[${window}]))`;
  const total = all.map(rate).join(" + ");
  return `(${rate(bad)} or 0 * (${total})) / (${total})`;
}

/** Every objective over every window, per edge. */
export function recordingRules(windows: Windows): readonly RecordingRule[] {
  return Object.values(objectives).flatMap((objective) =>
    burnWindows.map((window) => ({
      record: ratioName(objective, window),
      expr: failureShare(["job", "instance"], objective, windows(window)),
    })),
  );
}
