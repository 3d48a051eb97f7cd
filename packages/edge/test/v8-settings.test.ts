import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const settings = new URL("../src/v8-settings.ts", import.meta.url).href;
const full = `
  let kept = Array.from({ length: 500_000 }, (_, n) => ({ n, text: "x" + n }));
  kept = undefined;
  gc();
  setTimeout(() => undefined, 300);`;

const crowded = `
  const waiting = [];
  const headersOf = (n) => ["ce-id", "x" + n];
  for (let n = 0; n < 500_000; n++) waiting.push(headersOf(n));`;

/** What V8 prints when it runs a program as it is, and when the program tells it the settings first. */
async function untoldAndTold(traces: readonly string[], program: string): Promise<[string, string]> {
  const told = `import { tellV8 } from ${JSON.stringify(settings)}; tellV8(); ${program}`;
  return Promise.all([printed(traces, program), printed(traces, told)]);
}

async function printed(traces: readonly string[], program: string): Promise<string> {
  const words = [...traces, "--input-type=module", "--eval", program];
  const { stdout } = await promisify(execFile)(process.execPath, words);
  return stdout;
}

test("V8 does not wait for its chance to collect an edge at rest: told while the process runs, it obeys (V2)", async () => {
  const traces = ["--expose-gc", "--trace-memory-reducer", "--gc-memory-reducer-start-delay-ms=50"];
  const [untold, told] = await untoldAndTold(traces, full);
  expect(untold).toMatch(/Memory reducer: waiting/);
  expect(told).toMatch(/Memory reducer/);
  expect(told).not.toMatch(/waiting/);
});

test("what survives in a crowd is no reason for V8 to make its like in the old generation (V3)", async () => {
  const [untold, told] = await untoldAndTold(["--trace-pretenuring-statistics", "--trace-gc"], crowded);
  expect(untold).toMatch(/=> (?:maybe )?tenure/);
  expect(told).toMatch(/Scavenge/);
  expect(told).not.toMatch(/tenure/);
});
