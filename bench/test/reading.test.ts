import { describe, expect, it } from "vitest";

import type { Fleet, TrafficResult } from "../src/load/fleet.ts";
import { Histogram } from "../src/measure/histogram.ts";
import { note, type Lane } from "../src/scenarios/message-lanes.ts";
import { wrongOfTraffic } from "../src/scenarios/reading.ts";

const right: TrafficResult = {
  seconds: 1,
  answered: 10,
  wrong: 0,
  wrongText: undefined,
  unanswered: 0,
  losses: {},
  latencies: new Histogram(),
  clientCores: 0.1,
  serverSeconds: 0.001,
};

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

describe("a station that was lost while messages were measured", () => {
  function laneOf(isPeer: boolean): Lane {
    const subject = {
      name: "it",
      endpoint: { host: "", port: 0, path: "" },
      pids: [],
      stop: () => Promise.resolve(),
    };
    const lists = { flood: [], paced: [], wrong: [], warnings: [] };
    const kind = { label: "Heartbeat", tail: "", rate: 1, isPacedOnly: false, takesTurns: false, isPeer };
    return { subject, fleet: {} as Fleet, ...kind, ...lists };
  }

  it("is wrong of the edges, the least and the limit, and only told of a peer, whose wrong answers are wrong", () => {
    const result = { ...right, unanswered: 1, losses: { "closed by peer": 2 } };
    const [ours, peer] = [laneOf(false), laneOf(true)];
    for (const lane of [ours, peer]) note(lane, result);
    const [lost, unanswered] = [
      "it, Heartbeat: stations lost: 2 × closed by peer",
      "it, Heartbeat: 1 messages were never answered",
    ];
    expect([ours.wrong, ours.warnings]).toEqual([[lost, unanswered], []]);
    expect([peer.wrong, peer.warnings]).toEqual([[unanswered], [lost]]);
  });
});
