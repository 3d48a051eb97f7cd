// The demo station, started as a newcomer would with a wrong word.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const station = fileURLToPath(new URL("../src/demo-station.ts", import.meta.url));

function run(...words: readonly string[]) {
  return spawnSync(process.execPath, [station, ...words], { encoding: "utf8", timeout: 20_000 });
}

test.each([
  [],
  ["--help"],
  ["CP001"],
  ["http://127.0.0.1:9000/ocpp/CP001"],
  ["ws://"],
  ["ws://h/a", "ocpp9"],
])("%j gets the usage in one line, not a stack trace", (...words) => {
  const { status, stderr } = run(...words);
  expect(stderr).toMatch(/^usage: demo-station\.js ws:[^\n]+\n$/);
  expect(status).toBe(2);
});

test("on a Node without a WebSocket of its own it names the project's Node in one line", () => {
  const url = "ws://127.0.0.1:1/ocpp/CP001";
  const older = ["--no-experimental-websocket", station, url];
  const { status, stderr } = spawnSync(process.execPath, older, { encoding: "utf8", timeout: 20_000 });
  expect(stderr).toMatch(/^demo-station\.js needs Node 22; this is [^\n]+ node_modules\/node\/bin\/node\n$/);
  expect(status).toBe(2);
});

test("where nobody listens it says what to look at, and ends", () => {
  const { status, stdout } = run("ws://127.0.0.1:1/ocpp/CP001");
  expect(stdout).toContain("does the gateway run (npm start) on that port");
  expect(status).toBe(1);
});
