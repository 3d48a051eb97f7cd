// Reads this host's limits and says which fall short of a planned number of stations. Starts nothing.

import { checkHost, type HostCheck } from "../host/checks.ts";
import { readHostLimits } from "../host/limits.ts";
import type { Report } from "../report/model.ts";
import { valueOf, type Scenario } from "../scenario.ts";

/** The check. */
export const doctor: Scenario = {
  name: "doctor",
  title: "This host's limits against a planned number of stations, and what to set",
  parameters: [
    {
      name: "stations",
      default: 15_000,
      min: 1,
      max: 10_000_000,
      unit: "stations",
      meaning: "planned for this host",
    },
    { name: "edges", default: 1, min: 1, max: 1_000, unit: "processes", meaning: "that share them" },
  ],
  run: ({ values }) => {
    const plan = { stations: valueOf(values, "stations"), edges: valueOf(values, "edges") };
    return Promise.resolve(reportOf(checkHost(readHostLimits(), plan)));
  },
};

function reportOf(checks: readonly HostCheck[]): Report {
  return {
    figures: [],
    tables: [
      {
        title: "Limits of this host",
        columns: ["limit", "here", "needed", "", "why", "what to set"],
        rows: checks.map(({ limit, have, need, isEnough, why, advice }) => [
          limit,
          have,
          need,
          isEnough ? "enough" : have === undefined ? "unknown" : "SHORT",
          why,
          isEnough ? "" : advice,
        ]),
        note: "The settings stand as files, each line with its reason, in infra/host.",
      },
    ],
    plots: [],
    wrong: [],
    warnings: checks
      .filter(({ isEnough }) => !isEnough)
      .map(
        ({ limit, have, need, advice }) =>
          `${limit}: ${have ?? "unknown"}, needed ${Math.round(need)}: ${advice}`,
      ),
  };
}
