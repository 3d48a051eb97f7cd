// What the process itself costs: read when somebody asks, nothing in between but Node's own delay histogram and a note of each collection.
//
// P1. Each reading of the event loop covers the time since the previous one, whoever asked.
// P2. No reading needs a new descriptor (`process.memoryUsage` does, on Linux): a process that has run out of them is the one whose numbers
//     are looked at, and the alert on its limit needs the limit.
import { readdir, stat } from "node:fs/promises";
import { constants, monitorEventLoopDelay, performance, PerformanceObserver } from "node:perf_hooks";
import { getHeapStatistics } from "node:v8";
import type { LabelsOf } from "./instruments.ts";
import type { Meter } from "./meter.ts";
import { procFile } from "./proc-file.ts";

/** Node samples the event loop's delay at this interval, and counts the interval itself as delay. Each sample wakes the loop. */
const resolutionMs = 50;

/** Begins to observe the process. Returns the end. */
export function observeProcess(meter: Meter): () => void {
  const system = process.platform === "linux" ? observeLinux(meter) : [observeResident(meter)];
  const ends = [...observeResources(meter), ...system, ...observeLoop(meter), observeCollector(meter)];
  return () => ends.forEach((end) => end());
}

function observeResources(meter: Meter): readonly (() => void)[] {
  return [
    meter.observe("process_cpu_seconds_total", () => one(cpuSeconds())),
    meter.observe("process_start_time_seconds", () => one(performance.timeOrigin / 1_000)),
    meter.observe("nodejs_heap_used_bytes", () => one(getHeapStatistics().used_heap_size)), // P2
    meter.observe("nodejs_heap_total_bytes", () => one(getHeapStatistics().total_heap_size)),
    meter.observe("nodejs_external_memory_bytes", () => one(getHeapStatistics().external_memory)),
    meter.observe("nodejs_active_resources", () =>
      process.getActiveResourcesInfo().map((type) => ({ value: 1, labels: { type } })),
    ),
  ];
}

/** What Linux tells in /proc, from files that stay open (P2). */
function observeLinux(meter: Meter): readonly (() => void)[] {
  const [limits, status] = [procFile("/proc/self/limits"), procFile("/proc/self/status")];
  const limit = async (): Promise<number | undefined> => descriptorLimit(await limits.read());
  return [
    meter.observe("process_max_fds", async () => known(await limit())),
    meter.observe("process_open_fds", async () => known(await openDescriptors(descriptorTable, limit))),
    meter.observe("process_resident_memory_bytes", async () => known(residentBytes(await status.read()))),
    () => limits.close(),
    () => status.close(),
  ];
}

function observeResident(meter: Meter): () => void {
  return meter.observe("process_resident_memory_bytes", () => one(process.memoryUsage.rss()));
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

const collections: ReadonlyMap<number, LabelsOf<"nodejs_gc_duration_seconds">["kind"]> = new Map([
  [constants.NODE_PERFORMANCE_GC_MINOR, "minor"],
  [constants.NODE_PERFORMANCE_GC_MAJOR, "major"],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, "incremental"],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, "weakCallbacks"],
]);

/** Tens of collections a second at full load, a microsecond each. */
function observeCollector(meter: Meter): () => void {
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const kind = collections.get(collectionKind(entry) ?? -1);
      if (kind !== undefined)
        meter.histogram("nodejs_gc_duration_seconds", { kind }).record(entry.duration / 1_000);
    }
  });
  observer.observe({ entryTypes: ["gc"] });
  return () => observer.disconnect();
}

function collectionKind(entry: object): number | undefined {
  const detail = "detail" in entry ? entry.detail : undefined;
  const isKnown = typeof detail === "object" && detail !== null && "kind" in detail;
  return isKnown && typeof detail.kind === "number" ? detail.kind : undefined;
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Where the process' descriptors are listed. */
export interface DescriptorTable {
  /** How many, 0 where the kernel does not say. */
  size(): Promise<number>;
  /** Each by its name; takes a descriptor itself. */
  names(): Promise<readonly string[]>;
}

const descriptorTable: DescriptorTable = {
  size: async () => (await stat("/proc/self/fd")).size,
  names: () => readdir("/proc/self/fd"),
};

/**
 * Linux 6.2 and newer tell the number as a size; before, the names must be counted (10 ms for 18,000). Where no descriptor is left to
 * count them with, all that are allowed are open.
 */
export async function openDescriptors(
  table: DescriptorTable,
  limit: () => Promise<number | undefined>,
): Promise<number | undefined> {
  const size = await table.size();
  if (size > 0) return size;
  try {
    return (await table.names()).length;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EMFILE") return limit();
    throw error;
  }
}

/** Resident memory in the text of /proc/self/status; undefined where it does not stand. */
export function residentBytes(status: string): number | undefined {
  const kB = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  return kB === undefined ? undefined : Number(kB) * 1_024;
}

/** The soft limit in the text of /proc/self/limits; undefined where there is none. */
export function descriptorLimit(limits: string): number | undefined {
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return soft === undefined ? undefined : Number(soft);
}

function one(value: number): readonly [{ readonly value: number }] {
  return [{ value }];
}

/** Nothing is told where the system says nothing. */
function known(value: number | undefined): readonly { readonly value: number }[] {
  return value === undefined ? [] : one(value);
}
