import { describe, expect, it } from "vitest";

import type { Fleet, TrafficResult } from "../src/load/fleet.ts";
import { tableOf } from "../src/scenarios/message-report.ts";
import { note, type Lane } from "../src/scenarios/message-lanes.ts";
import { wrongOfStored, wrongOfTraffic } from "../src/scenarios/reading.ts";
import { rightTraffic as right } from "./support/right-traffic.ts";

describe("what is wrong of a stretch", () => {
  it("is nothing where all was answered and nobody was lost", () => {
    expect(wrongOfTraffic("edge", [right, right])).toEqual([]);
  });

  it("is a line for each thing: stations lost, wrong answers, none", () => {
    const worst = {
      ...right,
      answered: 0,
      wrong: 2,
      wrongText: "[4]",
      unanswered: 3,
      losses: { "close 1001": 1 },
    };
    expect(wrongOfTraffic("edge", [right, worst])).toEqual([
      "edge: stations lost: 1 × close 1001",
      "edge: 2 wrong answers, the first: [4]",
      "edge: 3 messages were never answered",
      "edge: nothing was answered",
    ]);
  });
});

describe("what was stored of what was answered", () => {
  it("may be all and more, not less", () => {
    expect([10, 11].flatMap((stored) => wrongOfStored("stream", 10, stored))).toEqual([]);
    expect(wrongOfStored("stream", 10, 7)).toEqual([
      "stream: 3 messages were answered and are not in the stream",
    ]);
  });
});

function laneOf(name: string, of: Partial<Lane> = {}): Lane {
  const subject = {
    name,
    endpoint: { host: "", port: 0, path: "" },
    pids: [],
    stop: () => Promise.resolve(),
  };
  const kind = {
    label: "MeterValues",
    tail: "",
    rate: 1,
    takesTurns: false,
    isPeer: false,
  };
  const found = { flood: [], paced: [], wrong: [], warnings: [] };
  return { subject, fleet: {} as Fleet, ...kind, ...found, ...of };
}

describe("a station that was lost while messages were measured", () => {
  it("is wrong of the edges, the least and the limit, and only told of a peer, whose wrong answers are wrong", () => {
    const result = { ...right, unanswered: 1, losses: { "closed by peer": 2 } };
    const [ours, peer] = [laneOf("it"), laneOf("it", { isPeer: true })];
    for (const lane of [ours, peer]) note(lane, result);
    const [lost, unanswered] = [
      "it, MeterValues: stations lost: 2 × closed by peer",
      "it, MeterValues: 1 messages were never answered",
    ];
    expect([ours.wrong, ours.warnings]).toEqual([[lost, unanswered], []]);
    expect([peer.wrong, peer.warnings]).toEqual([[unanswered], [lost]]);
  });
});

describe("the table of messages", () => {
  it("divides by the limit with the same message, without a pace, turns by the round they belong to", () => {
    const taking = (...micros: readonly number[]): TrafficResult[] =>
      micros.map((each) => ({ ...right, answered: 1, serverSeconds: each / 1e6 }));
    const paced = taking(1, 1);
    const { columns, rows } = tableOf([
      laneOf("limit", { flood: taking(10, 20), paced }),
      laneOf("limit", { label: "Heartbeat", flood: taking(5, 5), paced }),
      laneOf("edge, local", { flood: taking(12, 24), paced }),
      laneOf("edge, http", { flood: taking(15, 25, 70, 90), paced: taking(1, 1, 1, 1) }),
    ]);
    const ratios = rows.map((row) => row[columns.indexOf("÷ limit")]);
    expect(ratios).toEqual([1, 1, 1.2, 3]);
  });
});
