// What each scenario's report calls wrong: nothing of a right run, and one line for each thing that is not. A scenario whose checks were lost
// would be right for ever; so each check has a row here.
import { describe, expect, it } from "vitest";

import type { Called, TrafficResult } from "../src/load/fleet.ts";
import { Histogram } from "../src/measure/histogram.ts";
import type { Report } from "../src/report/model.ts";
import * as accept from "../src/scenarios/accept.ts";
import * as commands from "../src/scenarios/commands.ts";
import type { CrowdTimes } from "../src/scenarios/crowd.ts";
import * as density from "../src/scenarios/density.ts";
import * as faults from "../src/scenarios/faults.ts";
import type { Lane } from "../src/scenarios/message-lanes.ts";
import { reportOf as reportOfMessages } from "../src/scenarios/message-report.ts";
import * as pool from "../src/scenarios/pool.ts";
import type { Passed } from "../src/scenarios/reading.ts";
import * as soak from "../src/scenarios/soak.ts";
import * as staged from "../src/scenarios/staged.ts";
import * as storm from "../src/scenarios/storm.ts";
import * as telemetry from "../src/scenarios/telemetry.ts";
import { rightTraffic as traffic } from "./support/right-traffic.ts";

const stations = 30;
const one = { "close 1000": 1 };

/** What is not as it must be, and the lines that say so. */
type Rows<Change> = readonly (readonly [what: string, change: Change, lines: readonly string[]])[];

/** A right run is right, and each change of it makes exactly its lines. */
function table<Change>(rows: Rows<Change>, reportOf: (change: Change | undefined) => Report): void {
  it("nothing of a right run", () => {
    expect(reportOf(undefined).wrong).toEqual([]);
  });
  it.each(rows)("%s", (_, change, lines) => {
    expect(reportOf(change).wrong).toEqual(lines);
  });
}

const crowd: CrowdTimes = {
  connected: 1,
  registered: 1,
  commanded: 1,
  open: stations,
  rows: stations,
  reached: stations,
  curve: [],
  lost: { byLiving: {}, withKilled: 0, held: undefined },
};

/** What a crowd can lack, whichever scenario watches it. */
function crowdRows(name: string, right = crowd): Rows<Partial<CrowdTimes>> {
  return [
    ["a station short", { open: stations - 1 }, [`${name}: 1 stations not connected`]],
    ["a row short", { rows: stations - 1 }, [`${name}: 1 stations not registered`]],
    ["one that no command reaches", { reached: stations - 1 }, [`${name}: 1 stations reached by no command`]],
    [
      "one that was lost and came back",
      { lost: { ...right.lost, byLiving: one } },
      [`${name}: stations lost: 1 × close 1000`],
    ],
  ];
}

/** What it can lack when an edge was killed that had `held`. */
function killedRows(name: string, held: number): Rows<Partial<CrowdTimes>> {
  const lost = (withKilled: number): string[] => [
    `${name}: ${withKilled} stations lost with their edge, which had ${held}`,
  ];
  return [
    [
      "fewer lost than the killed edge had",
      { lost: { byLiving: {}, withKilled: held - 1, held } },
      lost(held - 1),
    ],
    [
      "more lost than the killed edge had",
      { lost: { byLiving: {}, withKilled: held + 1, held } },
      lost(held + 1),
    ],
  ];
}

/** After an edge was killed that had as many. */
function killed(held: number | undefined): CrowdTimes {
  return { ...crowd, lost: { byLiving: {}, withKilled: held ?? 1, held } };
}

describe("storm, cold", () => {
  const right = { stations, cold: crowd, again: killed(stations), poolTimeouts: 0, retries: "" };
  table<Partial<CrowdTimes>>(crowdRows("cold"), (change) =>
    storm.reportOf({ ...right, cold: { ...crowd, ...change } }),
  );
  it("a pool timeout", () => {
    expect(storm.reportOf({ ...right, poolTimeouts: 1 }).wrong).toEqual(["1 pool timeouts"]);
  });
});

describe("storm, after the kill", () => {
  const name = "after the kill";
  const right = { stations, cold: crowd, poolTimeouts: 0, retries: "" };
  const rows = [...crowdRows(name, killed(stations)), ...killedRows(name, stations)];
  table<Partial<CrowdTimes>>(rows, (change) =>
    storm.reportOf({ ...right, again: { ...killed(stations), ...change } }),
  );
});

describe.each(["no fault", "redis master", "edge"] as const)("faults: %s", (kind) => {
  const times = kind === "edge" ? killed(undefined) : crowd;
  const right: faults.Outcome = { kind, lostBefore: {}, times, poolTimeouts: 0, retries: 0 };
  table<Partial<CrowdTimes>>(crowdRows(kind, times), (change) =>
    faults.reportOf([{ ...right, times: { ...times, ...change } }], stations),
  );
  it("one that was lost before the fault", () => {
    const { wrong } = faults.reportOf([{ ...right, lostBefore: one }], stations);
    expect(wrong).toEqual([`${kind}, before it: stations lost: 1 × close 1000`]);
  });
});

describe("faults", () => {
  it("an edge that had nobody when it died was no fault", () => {
    const outcome: faults.Outcome = {
      kind: "edge",
      lostBefore: {},
      times: crowd,
      poolTimeouts: 0,
      retries: 0,
    };
    expect(faults.reportOf([outcome], stations).wrong).toEqual(["edge: it had no station when it died"]);
  });
});

describe("density", () => {
  const step: density.Step = {
    stations,
    residentBytes: 1e6,
    slabBytes: 1,
    idleMicroseconds: 1,
    unanswered: 0,
    losses: {},
  };
  const before = { ...step, stations: 10, residentBytes: 5e5 };
  describe("a step", () => {
    table<Partial<density.Step>>(
      [
        ["one that is unanswered", { unanswered: 1 }, ["1 messages unanswered at 30 stations"]],
        ["one that was lost", { losses: one }, ["30 stations: stations lost: 1 × close 1000"]],
      ],
      (change) => density.reportOf([before, { ...step, ...change }], crowd, undefined),
    );
  });
  describe("all connected", () => {
    table<Partial<CrowdTimes>>(crowdRows("all connected"), (change) =>
      density.reportOf([before, step], { ...crowd, ...change }, undefined),
    );
  });
  describe("after an edge died", () => {
    const name = "after an edge died";
    const rows = [...crowdRows(name, killed(10)), ...killedRows(name, 10)];
    table<Partial<CrowdTimes>>(rows, (change) =>
      density.reportOf([before, step], crowd, { ...killed(10), ...change }),
    );
  });
});

describe("pool", () => {
  const right: pool.Outcome = {
    who: "registry",
    delayMs: 5,
    served: stations,
    losses: {},
    poolTimeouts: 0,
    connections: 10,
    seconds: 1,
  };
  const original: pool.Outcome = {
    ...right,
    who: "original, as many",
    served: 1,
    losses: one,
    poolTimeouts: 9,
  };
  table<Partial<pool.Outcome>>(
    [
      ["one not served", { served: stations - 1 }, ["registry, 5 ms: 1 stations not served"]],
      ["a pool timeout", { poolTimeouts: 1 }, ["registry, 5 ms: 1 pool timeouts"]],
      ["one that was lost", { losses: one }, ["registry, 5 ms: stations lost: 1 × close 1000"]],
    ],
    // What the original fails at is the point, and not wrong.
    (change) => pool.reportOf([right, { ...right, ...change }, original], stations),
  );
});

describe("staged", () => {
  const right: staged.Stage = {
    ramp: "paced",
    stations,
    seconds: 1,
    connected: stations,
    registered: stations,
    fleet: { open: stations, attempts: stations, failures: {}, losses: {}, connects: new Histogram() },
    claimP50: undefined,
    claimP99: undefined,
    poolTimeouts: 0,
    residentMb: 1,
    cores: 0.1,
    lagMs: 1,
    overflows: 0,
  };
  const at = "paced, 30 stations";
  table<Partial<staged.Stage>>(
    [
      [
        "one that was lost",
        { connected: stations - 1, registered: stations - 1, fleet: { ...right.fleet, losses: one } },
        [`${at}: 1 lost or unanswered (1 × close 1000)`],
      ],
      ["a row short", { registered: stations - 1 }, [`${at}: 1 connected and not registered`]],
      ["a pool timeout", { poolTimeouts: 1 }, [`${at}: 1 pool timeouts`]],
    ],
    (change) => staged.reportOf([right, { ...right, ...change }]),
  );
});

describe("accept", () => {
  const right: Passed = { stations, open: stations, failures: {}, isRegistered: true, isGone: true };
  const lane = (name: string, passed: Passed, isPeer = false): accept.Measured => {
    return { subject: { name }, server: [1], redis: [1], perSecond: [1], passed: [right, passed], isPeer };
  };
  const rows: Rows<Partial<Passed>> = [
    ["one short", { open: stations - 1, failures: { timeout: 1 } }, ["it: 1 not connected (1 × timeout)"]],
    ["not registered", { isRegistered: false }, ["it: not all registered after 30 s"]],
    ["sessions left", { isGone: false }, ["it: sessions are left 30 s after their sockets closed"]],
  ];
  describe.each([0, 1, 2])("lane %d of ours", (place) => {
    table<Partial<Passed>>(rows, (change) => {
      const lanes = ["raw", "edge", "least"].map((name, n) =>
        n === place ? lane("it", { ...right, ...change }) : lane(name, right),
      );
      return accept.reportOf([...lanes, lane("ws", right, true)]);
    });
  });
  it.each(rows)("a peer's are told, and not wrong: %s", (_, change, lines) => {
    const ours = ["raw", "edge", "least"].map((name) => lane(name, right));
    const report = accept.reportOf([...ours, lane("it", { ...right, ...change }, true)]);
    expect([report.wrong, report.warnings]).toEqual([[], lines]);
  });
});

describe("soak", () => {
  const slice: soak.Slice = { units: 10, seconds: 1, cpuSeconds: 0.001, residentBytes: 1e8, wrong: [] };
  const reportOf = (slices: readonly soak.Slice[], lost: soak.Soaked["lost"] = {}): Report =>
    soak.reportOf([{ kind: "work", unit: "piece", slices, lost }]);
  table<{ readonly slices?: readonly soak.Slice[]; readonly lost?: typeof one }>(
    [
      [
        "a slice in which something was wrong, the first one too",
        { slices: [{ ...slice, wrong: ["work: 1 wrong answers"] }, slice] },
        ["work: 1 wrong answers"],
      ],
      ["one that was lost meanwhile", { lost: one }, ["work: stations lost: 1 × close 1000"]],
    ],
    (change) => reportOf(change?.slices ?? [slice, slice], change?.lost),
  );

  it("sets the last third against the first, without the very first slice", () => {
    const dearer = (times: number): soak.Slice => ({ ...slice, cpuSeconds: times * slice.cpuSeconds });
    const larger = (times: number): soak.Slice => ({ ...slice, residentBytes: times * slice.residentBytes });
    const counts = [9, 1, 1, 2, 1, 3, 3];
    const values = [dearer, larger].map((grown) =>
      reportOf(counts.map(grown)).figures.map(({ value }) => value),
    );
    expect(values).toEqual([
      [3, 1],
      [1, 3],
    ]);
  });
});

describe("telemetry", () => {
  const called: Called = { answered: stations, wrong: 0, unanswered: 0 };
  const lane = (name: string, ...results: readonly TrafficResult[]): telemetry.Measured => {
    return { subject: { name }, results: [traffic, ...results] };
  };
  interface Change {
    readonly ours?: TrafficResult;
    readonly bare?: TrafficResult;
    readonly scraped?: TrafficResult;
    readonly filled?: Partial<telemetry.Filled>;
    readonly lost?: readonly string[];
  }
  const silent = { ...traffic, unanswered: 1 };
  table<Change>(
    [
      ["unanswered by the shipped edge", { ours: silent }, ["ours: 1 messages were never answered"]],
      ["unanswered by the other", { bare: silent }, ["bare: 1 messages were never answered"]],
      ["unanswered while scraped", { scraped: silent }, ["while scraped: 1 messages were never answered"]],
      ["a row short", { filled: { rows: 29 } }, ["while filled: 1 stations connected and not registered"]],
      [
        "unanswered while filled",
        { filled: { calls: [called, { ...called, unanswered: 1 }] } },
        ["while filled: 1 messages were never answered"],
      ],
      [
        "answered wrongly while filled",
        { filled: { calls: [called, { ...called, wrong: 1 }] } },
        ["while filled: 1 wrong answers"],
      ],
      [
        "one that was lost",
        { lost: ["ours: stations lost: 1 × close 1000"] },
        ["ours: stations lost: 1 × close 1000"],
      ],
    ],
    ({ ours = traffic, bare = traffic, scraped = traffic, filled = {}, lost = [] } = {}) =>
      telemetry.reportOf(lane("ours", ours), lane("bare", bare), {
        cost: {
          longestMs: [1],
          longestWithoutMs: [1],
          scrapeMs: [1],
          cpuMs: 1,
          samples: 1,
          bytes: 1,
          traffic: [traffic, scraped],
        },
        values: { stations, "scraped-stations": stations },
        filled: { calls: [called], open: stations, rows: stations, ...filled },
        lost,
      }),
  );
});

describe("commands", () => {
  const round = { p50: 1, p99: 2, perSecond: 3, servers: 4, redis: 5 };
  const lane = (name: string, failures: Readonly<Record<string, number>> = {}) => ({
    name,
    rounds: [round],
    failures: [{}, failures],
  });
  table<{ floor?: object; edges?: object }>(
    [
      ["not answered by the edges", { edges: { "504": 1 } }, ["edges: not answered: 1 × 504"]],
      ["not answered by the floor", { floor: { "500": 2 } }, ["floor: not answered: 2 × 500"]],
    ],
    ({ edges = {}, floor = {} } = {}) =>
      commands.reportOf(lane("edges", { ...edges }), lane("floor", { ...floor })),
  );
});

describe("messages", () => {
  const lane = (name: string, label: string, of: Partial<Lane> = {}): Lane => ({
    subject: { name, endpoint: { host: "", port: 0, path: "/" }, pids: [], stop: () => Promise.resolve() },
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a report asks no station
    fleet: {} as Lane["fleet"],
    label,
    tail: "",
    rate: 1,
    takesTurns: false,
    isPeer: false,
    flood: [traffic],
    paced: [traffic],
    wrong: [],
    warnings: [],
    ...of,
  });
  const floor = (name: string, failures = 0) => {
    const stretches = [{ cpu: 1, perSecond: 1, p50Ms: 1, p99Ms: 1 }];
    return { name, flood: stretches, paced: stretches, failed: () => failures };
  };
  table<{ lane?: Partial<Lane>; post?: number; dispatched?: number }>(
    [
      ["what a lane noted", { lane: { wrong: ["limit: 1 wrong answers"] } }, ["limit: 1 wrong answers"]],
      ["what a lane was told of a peer", { lane: { warnings: ["lost"] } }, []],
      ["a POST that failed", { post: 1 }, ["post: 1 failed"]],
      ["one by dispatch that failed", { dispatched: 2 }, ["dispatched: 2 failed"]],
    ],
    (change = {}) =>
      reportOfMessages(
        [
          ...["limit", "edge, local", "ws", "ocpp-rpc"].flatMap((name) => [
            lane(name, "Heartbeat", name === "limit" ? change.lane : {}),
            lane(name, "MeterValues"),
          ]),
          ...["the least", "edge, http"].map((name) => lane(name, "MeterValues")),
        ],
        {
          post: floor("post", change.post),
          dispatched: floor("dispatched", change.dispatched),
          timer: floor("timer"),
        },
      ),
  );
});
