import { expect, test } from "vitest";
import type { HealthProblem } from "../src/health.ts";
import { logReadiness } from "../src/readiness-log.ts";

function watch(): { look: (...problems: HealthProblem[]) => void; lines: string[] } {
  const lines: string[] = [];
  let problems: readonly HealthProblem[] = [];
  let run = (): void => undefined;
  const log = {
    info: (_fields: object, text: string) => lines.push(text),
    warn: (fields: object, text: string) => lines.push(`${text} ${JSON.stringify(fields)}`),
  };
  const every = (_ms: number, tick: () => void) => ((run = tick), { cancel: () => undefined });
  logReadiness(() => ({ ready: problems.length === 0, problems }), log, { every });
  const look = (...now: HealthProblem[]): void => {
    problems = now;
    run();
  };
  return { look, lines };
}

const away = (seconds: number): HealthProblem => ({ code: "registry", detail: `no answer for ${seconds} s` });
const draining: HealthProblem = { code: "draining", detail: "" };

test("an outage is two lines, however long it lasts and however its wording changes", () => {
  const { look, lines } = watch();
  look();
  for (let seconds = 1; seconds < 100; seconds += 1) look(away(seconds));
  for (let times = 0; times < 100; times += 1) look();
  expect(lines).toEqual(['not ready: see /readyz {"problems":["no answer for 2 s"]}', "ready again"]);
});

test("what is told without its reason is told once more, a minute later, with the reason that is known by then", () => {
  const { look, lines } = watch();
  const known: HealthProblem = { code: "registry", detail: "no answer: ENOTFOUND" };
  for (let times = 0; times < 3; times += 1) look({ code: "registry", detail: "no answer" });
  for (let times = 0; times < 100; times += 1) look(known);
  expect(lines).toEqual([
    'not ready: see /readyz {"problems":["no answer"]}',
    'not ready: see /readyz {"problems":["no answer: ENOTFOUND"]}',
  ]);
});

test("another problem is told, a blip and a drain are not", () => {
  const { look, lines } = watch();
  look(away(1));
  look();
  look(draining);
  look(draining);
  expect(lines).toEqual([]);
  look(away(1));
  look(away(1));
  look(away(1), { code: "full", detail: "full" });
  look(away(1), { code: "full", detail: "full" }, draining);
  expect(lines).toHaveLength(2);
});
