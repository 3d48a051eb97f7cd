import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const settings = new URL("../src/v8-settings.ts", import.meta.url).href;
const full = `
  let kept = Array.from({ length: 500_000 }, (_, n) => ({ n, text: "x" + n }));
  kept = undefined;
  gc();
  setTimeout(() => undefined, 300);`;

/** What V8's memory reducer says when a heap that was full is empty again. */
async function reducerAfter(program: string): Promise<string> {
  const v8 = ["--expose-gc", "--trace-memory-reducer", "--gc-memory-reducer-start-delay-ms=50"];
  const words = [...v8, "--input-type=module", "--eval", program];
  const { stdout } = await promisify(execFile)(process.execPath, words);
  return stdout;
}

test("V8 does not wait for its chance to collect an edge at rest: told while the process runs, it obeys (V2)", async () => {
  expect(await reducerAfter(full)).toMatch(/Memory reducer: waiting/);
  const told = await reducerAfter(`import { tellV8 } from ${JSON.stringify(settings)}; tellV8(); ${full}`);
  expect(told).toMatch(/Memory reducer/);
  expect(told).not.toMatch(/waiting/);
});
