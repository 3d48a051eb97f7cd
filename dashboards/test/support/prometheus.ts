// Prometheus and promtool for tests: found or the test fails and says what to install. I/O: processes, files, HTTP.

import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { findPrometheus, type Prometheus } from "@cpg/infra";
import { freePort, startProcess } from "@cpg/testkit";
import { edgeJob } from "../../src/promql.ts";
import { alertFile, recordingFile } from "../../src/rules/groups.ts";
import { windowsAt } from "../../src/windows.ts";

const run = promisify(execFile);

let found: Promise<Prometheus> | undefined;

/** Prometheus of this machine. Rejects with what to install where there is none: such a test is never skipped. */
export function prometheus(): Promise<Prometheus> {
  return (found ??= find());
}

async function find(): Promise<Prometheus> {
  const search = await findPrometheus({ log: (line) => process.stderr.write(`${line}\n`) });
  if (search.kind === "found") return search.prometheus;
  throw new Error(`This test needs a real Prometheus. ${search.advice} (${search.reason})`);
}

/** Runs promtool; `text` is all it printed. */
export async function promtool(
  args: readonly string[],
  cwd: string,
): Promise<{ readonly isGood: boolean; readonly text: string }> {
  const { promtool: command, env } = await prometheus();
  try {
    const { stdout, stderr } = await run(command, [...args], { cwd, env: { ...process.env, ...env } });
    return { isGood: true, text: stdout + stderr };
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    return { isGood: false, text: stdout + stderr || String(error) };
  }
}

/** One series of a query's answer. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A running Prometheus. */
export interface RunningPrometheus {
  /** Answer of an instant query, now. Rejects with Prometheus' own words for a query it does not take. */
  query(expr: string): Promise<readonly Sample[]>;
  /** `data` of an API call below /api/v1/. */
  get(path: string): Promise<unknown>;
  /** From now on discovery knows no edge. */
  forgetEdges(): Promise<void>;
  stop(): Promise<void>;
}

/** A minute of a rule's window is a second in live tests. */
export const scale = 1 / 60;

const config = `
global: { scrape_interval: 1s, evaluation_interval: 1s, scrape_timeout: 1s }
rule_files: [recording.yml, alerts.yml]
scrape_configs:
  - job_name: ${edgeJob}
    file_sd_configs: [{ files: [edges.json] }]
`;

/** What discovery knows. */
const edgesOf = (metricsPorts: readonly number[]): string =>
  JSON.stringify(
    metricsPorts.map((port, at) => ({
      targets: [`127.0.0.1:${port}`],
      labels: { instance: `edge-${at + 1}` },
    })),
  );

/** Starts one that scrapes edge-1, edge-2, … every second and has all our rules, at 1/60 of their windows. */
export async function startPrometheus(metricsPorts: readonly number[]): Promise<RunningPrometheus> {
  const windows = windowsAt(scale);
  const files = {
    "prometheus.yml": config,
    "edges.json": edgesOf(metricsPorts),
    "recording.yml": recordingFile(windows),
    "alerts.yml": alertFile(windows),
  };
  const { command, env } = await prometheus();
  const folder = await mkdtemp(join(tmpdir(), "cpg-prometheus-"));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const port = await freePort();
  const server = await startProcess({
    command,
    args: [
      `--config.file=${join(folder, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    env,
    readyLine: "ready to receive web requests",
    readyTimeoutMs: 20_000,
  });
  const get = async (path: string): Promise<unknown> => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`);
    const body = (await response.json()) as { status: string; error?: string; data: unknown };
    if (body.status !== "success") throw new Error(`${path}: ${body.error ?? response.status}`);
    return body.data;
  };
  return {
    get,
    async query(expr) {
      const { result } = (await get(`query?query=${encodeURIComponent(expr)}`)) as {
        result: { metric: Record<string, string>; value: [number, string] }[];
      };
      return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
    },
    forgetEdges: () => writeFile(join(folder, "edges.json"), edgesOf([])),
    async stop() {
      await server.kill("SIGKILL");
      await rm(folder, { recursive: true, force: true });
    },
  };
}
