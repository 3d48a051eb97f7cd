import { asIdentity, identityKey } from "@cpg/ocpp";
import { noTelemetry } from "@cpg/telemetry";
import { eventually } from "@cpg/testkit";
import { expect, test } from "vitest";
import { watchContests, type SupersededSession } from "../src/contested-identities.ts";
import { connect } from "./support/charge-point.ts";
import { startTestEdge } from "./support/test-edge.ts";

/** Contests with a clock that moves when told, what the log was told, and what a scrape would find. */
function start() {
  let nowMs = 0;
  const told: object[] = [];
  let count: () => unknown = () => undefined;
  const meter = {
    ...noTelemetry(),
    observe: (_: string, read: () => unknown) => ((count = read), () => undefined),
  };
  const contests = watchContests({ warn: (fields) => void told.push(fields) }, meter, {
    monotonicMs: () => nowMs,
  });
  return {
    told,
    contested: () => count(),
    pass: (ms: number) => void (nowMs += ms),
    superseded: (name: string, remote = "10.0.0.1") => contests.superseded(sessionOf(name, remote)),
  };
}

function sessionOf(name: string, remote: string): SupersededSession {
  const named = asIdentity(name);
  if (!named.ok) throw new Error(name);
  return { identity: named.identity, key: identityKey(named.identity, "1.6"), remote };
}

const told = (identity: string, ...remotes: string[]): object => ({
  identity,
  remotes,
  takeOvers: 3,
  withinSeconds: 600,
});

test("two that throw each other out are told at the third time, with their addresses, and counted", () => {
  const contests = start();
  for (const remote of ["10.0.0.1", "10.0.0.2"]) {
    contests.superseded("CP1", remote);
    contests.pass(200_000);
  }
  expect(contests.told).toEqual([]);
  expect(contests.contested()).toEqual([{ value: 0 }]);
  contests.superseded("CP1");
  expect(contests.told).toEqual([told("CP1", "10.0.0.1", "10.0.0.2")]);
  expect(contests.contested()).toEqual([{ value: 1 }]);
});

test("they are told once in ten minutes for as long as it goes on, and counted no more when it is over", () => {
  const contests = start();
  for (let n = 0; n < 31; n++) {
    contests.superseded("CP1");
    contests.pass(30_000); // a quarter of an hour
  }
  expect(contests.told).toHaveLength(2);
  expect(contests.contested()).toEqual([{ value: 1 }]);
  contests.pass(600_000);
  expect(contests.contested()).toEqual([{ value: 0 }]);
});

test("who comes back over a new connection now and then is not told", () => {
  const contests = start();
  for (let n = 0; n < 20; n++) {
    contests.superseded("CP1");
    contests.pass(300_000); // the third is ten minutes after the first
  }
  expect(contests.told).toEqual([]);
  expect(contests.contested()).toEqual([{ value: 0 }]);
});

test("a whole fleet that is superseded once leaves no more behind than the last two thousand, twice", () => {
  const contests = start();
  const twice = (name: string): void => {
    for (let n = 0; n < 2; n++) contests.superseded(name);
  };
  const others = (from: number, count: number): void => {
    for (let n = 0; n < count; n++) contests.superseded(`OTHER${from + n}`);
  };
  twice("KEPT");
  others(0, 2_048); // a generation: those before it are remembered still
  contests.superseded("KEPT");
  expect(contests.told).toEqual([told("KEPT", "10.0.0.1")]);
  expect(contests.contested()).toEqual([{ value: 1 }]);
  twice("FORGOTTEN");
  others(10_000, 2 * 2_048);
  contests.superseded("FORGOTTEN");
  expect(contests.told).toHaveLength(1);
});

test("of very many at once some are told, and all are counted (C4)", () => {
  const contests = start();
  const allThreeTimes = (): void => {
    for (let n = 0; n < 3 * 100; n++) contests.superseded(`CP${n % 100}`);
  };
  allThreeTimes();
  expect(contests.told).toHaveLength(20);
  expect(contests.contested()).toEqual([{ value: 100 }]);
  contests.pass(600_000);
  allThreeTimes();
  expect(contests.told).toHaveLength(40);
});

test("an edge tells of them, whether the newer socket came here or to another edge; other ends count nothing", async () => {
  const seen: string[] = [];
  const contests = { superseded: ({ identity }: SupersededSession) => void seen.push(identity) };
  const { edge, url, ownership } = await startTestEdge({}, { contests });
  try {
    const first = await connect(url("CP1"));
    await connect(url("CP1"));
    await first.ended();
    await eventually(() => expect(seen).toEqual(["CP1"]));
    const other = await connect(url("CP2"));
    const claim = ownership.claims.at(-1);
    if (claim !== undefined) ownership.sessions?.superseded(claim, { edge: "edge-2", epoch: 2_000 });
    await other.ended();
    await eventually(() => expect(seen).toEqual(["CP1", "CP2"]));
    const third = await connect(url("CP3"));
    third.ws.close();
    await third.ended();
    await eventually(() => expect(edge.sessions.size).toBe(1));
    expect(seen).toEqual(["CP1", "CP2"]);
  } finally {
    await edge.stop();
  }
});
