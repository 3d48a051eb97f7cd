import type { OcppVersion } from "@cpg/ocpp";
import { systemTime } from "@cpg/session-registry";
import { noTelemetry } from "@cpg/telemetry";
import { eventually } from "@cpg/testkit";
import { describe, expect, test } from "vitest";
import type { CallAnswer } from "../src/integration.ts";
import type { Session } from "../src/session.ts";
import { observeSessions, takeCensus, type CountedSession } from "../src/session-metrics.ts";
import { Sessions } from "../src/sessions.ts";
import { connect } from "./support/charge-point.ts";
import { routeOf, startTestEdge } from "./support/test-edge.ts";

const session = (of: Partial<CountedSession> = {}): CountedSession => ({
  version: "1.6",
  waitingBytes: 0,
  oldestInboundMs: undefined,
  oldestOutboundMs: undefined,
  ...of,
});

describe("the census of sessions", () => {
  test("an edge without sessions has nothing that waits", () => {
    expect(takeCensus([], 1000)).toEqual({
      open: { "1.6": 0, "2.0.1": 0, "2.1": 0 },
      waitingBytes: 0,
      slowConsumers: 0,
      oldestInboundMs: 0,
      oldestOutboundMs: 0,
    });
  });

  test("counts by version, adds up what waits, and tells the oldest CALL of each direction", () => {
    const versions: readonly OcppVersion[] = ["1.6", "2.0.1", "2.1", "2.1"];
    const sessions = [
      ...versions.map((version) => session({ version })),
      session({ waitingBytes: 70 }),
      session({ waitingBytes: 30, oldestInboundMs: 400 }),
      session({ oldestInboundMs: 900, oldestOutboundMs: 990 }),
    ];
    expect(takeCensus(sessions, 1000)).toEqual({
      open: { "1.6": 4, "2.0.1": 1, "2.1": 2 },
      waitingBytes: 100,
      slowConsumers: 2,
      oldestInboundMs: 600,
      oldestOutboundMs: 10,
    });
  });

  test("15,000 sessions are walked over once for all that a scrape asks", async () => {
    const many = Array.from({ length: 15_000 }, () => session({ waitingBytes: 1 }));
    let walks = 0;
    const counted = {
      *[Symbol.iterator]() {
        walks += 1;
        yield* many;
      },
    };
    const asked: (() => unknown)[] = [];
    const meter = {
      ...noTelemetry(),
      observe: (_: string, read: () => unknown) => (asked.push(read), () => undefined),
    };
    observeSessions(meter, counted, { monotonicMs: () => 0 });
    const told = await Promise.all(asked.map((read) => read()));
    expect(walks).toBe(1);
    expect(told).toContainEqual([{ value: 15_000 }]);
  });
});

test("real sessions: a CALL without its answer grows old in both directions, and is forgotten once answered", async () => {
  const answers: ((answer: CallAnswer) => void)[] = [];
  const slow = routeOf(() => new Promise((resolve) => answers.push(resolve)));
  const sessions = new Sessions<Session>();
  const { edge, url } = await startTestEdge({ Authorize: slow }, { sessions });
  try {
    const station = await connect(url("CP1"));
    const census = () => takeCensus(sessions, systemTime.monotonicMs());
    station.send('[2,"a","Authorize",{}]');
    station.send('[2,"b","Authorize",{}]'); // waits in line behind it: its age counts from its receipt, too
    await eventually(() => expect(census().oldestInboundMs).toBeGreaterThan(20));
    const before = census().oldestInboundMs;
    answers[0]?.({ kind: "result", payloadJson: "{}" });
    await eventually(() => expect(answers).toHaveLength(2));
    expect(census().oldestInboundMs, "the line's next has been waiting since it came").toBeGreaterThan(
      before - 20,
    );
    answers[1]?.({ kind: "result", payloadJson: "{}" });
    await eventually(() => expect(census().oldestInboundMs).toBe(0));
    const outcome = [...sessions][0]?.call("Reset", "{}", 5_000);
    const { id } = await station.command(0);
    await eventually(() => expect(census().oldestOutboundMs).toBeGreaterThan(0));
    station.send(`[3,"${id}",{}]`);
    await outcome;
    expect(census()).toMatchObject({ oldestOutboundMs: 0, open: { "1.6": 1 }, slowConsumers: 0 });
  } finally {
    await edge.stop();
  }
});
