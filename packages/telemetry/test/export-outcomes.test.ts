import { describe, expect, test } from "vitest";
import { ExportOutcomes } from "../src/export-outcomes.ts";
import { noTelemetry } from "../src/index.ts";

const away = new Error("connect ECONNREFUSED");

function watched() {
  const lines: string[] = [];
  const said: object[] = [];
  const say = (level: string) => (fields: object, message: string) => {
    said.push(fields);
    lines.push(`${level} ${message}`);
  };
  const logger = { info: say("info"), warn: say("warn"), debug: say("debug") };
  const meter = noTelemetry();
  // The logger's own type is pino's; only these three are used.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const outcomes = new ExportOutcomes(meter, logger as never);
  let isAway = false;
  const exporter = outcomes.watch("metrics", {
    export(_items: string, done: (end: { code: number; error?: Error }) => void) {
      done(isAway ? { code: 1, error: away } : { code: 0 });
    },
  });
  const send = (): number => {
    let code = -1;
    exporter.export("x", (end) => (code = end.code));
    return code;
  };
  return {
    lines,
    said,
    outcomes,
    send,
    goAway: (is: boolean) => (isAway = is),
    counted: (outcome: "ok" | "failed") =>
      meter.counter("telemetry_exports_total", { signal: "metrics", outcome }).value,
  };
}

describe("exports to a collector", () => {
  test("one that is away is counted each time and logged once, and once when it is back", () => {
    const { lines, send, goAway, counted } = watched();
    send();
    goAway(true);
    for (let time = 0; time < 5; time += 1) send();
    goAway(false);
    send();
    send();
    expect([counted("ok"), counted("failed")]).toEqual([3, 5]);
    expect(lines).toEqual([
      "warn OpenTelemetry: the collector did not take it, and is tried again",
      "info OpenTelemetry: the collector takes it again",
    ]);
  });

  test("the SDK still learns how each export ended", () => {
    const { send, goAway } = watched();
    expect(send()).toBe(0);
    goAway(true);
    expect(send()).toBe(1);
  });

  test("what the SDK says of it meanwhile is for the debug log; before and after it is a warning", () => {
    const { lines, outcomes, send, goAway } = watched();
    outcomes.complaint("before", []);
    goAway(true);
    send();
    outcomes.complaint("metrics export failed", [away]);
    goAway(false);
    send();
    outcomes.complaint("after", []);
    expect(lines.filter((line) => /before|export failed|after/.test(line))).toEqual([
      "warn OpenTelemetry: before",
      "debug OpenTelemetry: metrics export failed",
      "warn OpenTelemetry: after",
    ]);
  });

  test("what it hands on is told in words: an error's, and of an object, which may be circular and hold a token, none", () => {
    const { outcomes, said } = watched();
    const circular: { self?: object; token: string } = { token: "hunter2" };
    circular.self = circular;
    outcomes.complaint("x", [away, circular, "a word", 5, undefined]);
    expect(said).toEqual([
      { details: ["Error: connect ECONNREFUSED", "(an object)", "a word", "5", "undefined"] },
    ]);
  });
});
