// What CI runs on every change: every scenario once, small. Fails on wrong results, never on a time.

import type { Figure, Report, Table } from "../report/model.ts";
import { BenchError, type Scenario, type Surroundings, type Values } from "../scenario.ts";
import { defaultsOf } from "../parameters.ts";
import { nowMs } from "../time.ts";

/** The small form of each scenario: what differs from its defaults. Data; a test wants one for every scenario. */
export const smallForms: Readonly<Record<string, Values>> = {
  doctor: {},
  staged: { stations: 750, batch: 50, delay: 20, hold: 0 },
  storm: { stations: 600, limit: 40 },
  pool: { stations: 600, "most-delay": 5 },
  density: { stations: 600, hold: 1 },
  accept: { stations: 400, rounds: 1, "warm-up": 1 },
  messages: {
    stations: 100,
    rounds: 1,
    "warm-up": 0, // it has the most subjects; what is wrong in a warm-up has a test (results.test.ts)
    seconds: 0.5,
    rate: 1_000,
    "backend-rate": 300,
    turns: 1,
    clients: 1,
  },
  commands: { stations: 100, rounds: 1, seconds: 0.5, many: 64 },
  telemetry: {
    stations: 100,
    "scraped-stations": 300,
    rounds: 1,
    seconds: 0.5,
    interval: 0.3,
    scrapes: 2,
    clients: 1,
  },
  soak: {
    stations: 50,
    slices: 4,
    seconds: 0.5,
    "command-rate": 200,
    rate: 500,
    "backend-rate": 200,
    clients: 1,
  },
  faults: { stations: 600, limit: 60 },
};

/** Makes the short form of these scenarios. */
export function ciOf(scenarios: readonly Scenario[]): Scenario {
  return {
    name: "ci",
    title: "Every scenario once, small, within 3 minutes; fails on wrong results only",
    parameters: [],
    run: (surroundings) => runAll(scenarios, surroundings),
  };
}

async function runAll(scenarios: readonly Scenario[], { say, nodeArguments }: Surroundings): Promise<Report> {
  const rows: (string | number)[][] = [];
  const wrong: string[] = [];
  const tables: Table[] = [];
  for (const scenario of scenarios) {
    const startedMs = nowMs();
    const values = { ...defaultsOf(scenario), ...smallForms[scenario.name] };
    const report = await scenario
      .run({ values, say: () => undefined, nodeArguments })
      .catch((error: unknown) => {
        if (!(error instanceof BenchError)) throw error;
        throw new BenchError(`${scenario.name}: ${error.message}`, { cause: error });
      });
    const seconds = (nowMs() - startedMs) / 1000;
    say(`${scenario.name}: ${report.wrong.length === 0 ? "right" : "WRONG"} (${seconds.toFixed(1)} s)`);
    for (const line of report.wrong) say(`  ${line}`);
    wrong.push(...report.wrong.map((line) => `${scenario.name}: ${line}`));
    tables.push(...report.tables.map((table) => ({ ...table, title: `${scenario.name}: ${table.title}` })));
    rows.push([scenario.name, seconds, report.wrong.length === 0 ? "right" : "wrong"]);
  }
  return {
    figures: figuresOf(wrong),
    // Their figures are left out: so short a run says whether results are right, not how good they are.
    tables: [{ title: "Scenarios", columns: ["scenario", "s", "results"], rows }, ...tables],
    plots: [],
    wrong,
    warnings: [],
  };
}

function figuresOf(wrong: readonly string[]): Figure[] {
  return [{ name: "wrong results", value: wrong.length, unit: "", goal: { atMost: 0 } }];
}
