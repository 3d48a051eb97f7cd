// What the process itself costs: read when somebody asks, nothing in between but Node's own delay histogram.
//
// P1. Each reading of the event loop covers the time since the previous one, whoever asked.
import { readdir, stat } from "node:fs/promises";
import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import type { Meter } from "./meter.ts";

/** Node samples the event loop's delay at this interval, and counts the interval itself as delay. */
const resolutionMs = 10;

/** Begins to observe the process. Returns the end. */
export function observeProcess(meter: Meter): () => void {
  const ends = [...observeResources(meter), ...observeLoop(meter)];
  return () => ends.forEach((end) => end());
}

function observeResources(meter: Meter): readonly (() => void)[] {
  return [
    meter.observe("process_cpu_seconds_total", () => one(cpuSeconds())),
    meter.observe("process_start_time_seconds", () => one(performance.timeOrigin / 1_000)),
    meter.observe("process_resident_memory_bytes", () => one(process.memoryUsage.rss())),
    meter.observe("nodejs_heap_used_bytes", () => one(process.memoryUsage().heapUsed)),
    meter.observe("nodejs_heap_total_bytes", () => one(process.memoryUsage().heapTotal)),
    meter.observe("nodejs_external_memory_bytes", () => one(process.memoryUsage().external)),
    ...(process.platform === "linux"
      ? [meter.observe("process_open_fds", async () => one(await openDescriptors()))]
      : []),
  ];
}

function observeLoop(meter: Meter): readonly (() => void)[] {
  const delays = monitorEventLoopDelay({ resolution: resolutionMs });
  delays.enable();
  let previous = performance.eventLoopUtilization();
  return [
    meter.observe("nodejs_eventloop_delay_seconds", () => {
      const told = (["0.5", "0.99", "1"] as const).map((quantile) => ({
        labels: { quantile },
        value: Math.max(0, delays.percentile(Number(quantile) * 100) / 1e9 - resolutionMs / 1_000),
      }));
      delays.reset(); // P1
      return told;
    }),
    meter.observe("nodejs_eventloop_utilization_ratio", () => {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, previous);
      previous = now; // P1
      return one(utilization);
    }),
    () => void delays.disable(),
  ];
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Linux 6.2 and newer tell the number as a size; before, the names must be counted (10 ms for 18,000). */
async function openDescriptors(): Promise<number> {
  const { size } = await stat("/proc/self/fd");
  return size > 0 ? size : (await readdir("/proc/self/fd")).length;
}

function one(value: number): readonly [{ readonly value: number }] {
  return [{ value }];
}
