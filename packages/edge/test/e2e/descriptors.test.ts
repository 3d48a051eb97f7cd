// An edge with few descriptors, whose whole fleet comes back on new sockets while the old ones are half-open (lingering.ts, E1).

import { spawn, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { eventually, freePort } from "@cpg/testkit";
import { afterEach, expect, test } from "vitest";
import { connectRaw, type RawStation } from "./support/raw-station.ts";

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const stations = 80;
// Enough for the process (39), its stations (80) and the sixteen ended ones of a small edge, and for a few newcomers; not for each station twice.
const descriptors = 150;

let child: ChildProcess | undefined;
const open: RawStation[] = [];
afterEach(() => {
  child?.kill("SIGKILL");
  for (const station of open.splice(0)) station.destroy();
});

test("a fleet that comes back while its old sockets are half-open is served, and the edge answers for itself", async () => {
  const [port, managementPort] = [await freePort(), await freePort()];
  const words = [
    "--registry-kind=memory",
    "--auth-mode=none",
    "--edge-environment=development",
    "--listen-host=127.0.0.1",
    `--listen-port=${String(port)}`,
    `--management-port=${String(managementPort)}`,
    "--no-metrics-enabled",
    `--listen-max-connections=${String(stations + 10)}`,
  ];
  const limited = `ulimit -n ${String(descriptors)}; exec "$0" "$@"`;
  child = spawn("sh", ["-c", limited, process.execPath, main, ...words], { env: {}, stdio: "ignore" });
  const isReady = async (): Promise<boolean> => {
    const patience = { signal: AbortSignal.timeout(5_000), headers: { Connection: "close" } };
    return (await fetch(`http://127.0.0.1:${String(managementPort)}/readyz`, patience)).ok;
  };
  await eventually(async () => expect(await isReady()).toBe(true), { timeoutMs: 20_000 });

  const comeAll = async (): Promise<void> => {
    for (let n = 0; n < stations; n += 1) {
      const path = `/ocpp/CP${String(n)}`;
      const coming = connectRaw({ port, path, protocol: "ocpp1.6", staysHalfOpen: true });
      const late = AbortSignal.timeout(5_000);
      const station = await Promise.race([coming, rejection(late)]);
      open.push(station);
      expect(station.status).toBe(101);
    }
  };
  await comeAll();
  await comeAll();
  await comeAll();
  expect(await isReady()).toBe(true);
}, 60_000);

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("no answer"))));
}
