// Instruments of the process itself. Data; names as Prometheus clients have them. Recorded by process-metrics.ts.
import { closed, counter, gauge } from "../declare.ts";

/** CPU, memory, event loop, file descriptors. */
export const processInstruments = {
  process_cpu_seconds_total: counter("User and system CPU time spent."),
  process_start_time_seconds: gauge("Start of the process, seconds since 1970."),
  process_resident_memory_bytes: gauge("Resident memory."),
  process_open_fds: gauge("Open file descriptors; each charge point is one."),
  nodejs_heap_used_bytes: gauge("JavaScript heap in use."),
  nodejs_heap_total_bytes: gauge("JavaScript heap reserved."),
  nodejs_external_memory_bytes: gauge("Memory of buffers outside the heap."),
  nodejs_eventloop_delay_seconds: gauge("How late the event loop was since the previous reading.", {
    quantile: closed("0.5", "0.99", "1"),
  }),
  nodejs_eventloop_utilization_ratio: gauge(
    "Share of the time since the previous reading that the loop was busy.",
  ),
};
