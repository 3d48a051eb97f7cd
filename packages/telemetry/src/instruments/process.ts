// Instruments of the process and of the host it runs on. Data; names as Prometheus clients have them, `host_` for what the whole host (or
// the container's network namespace) shares: several edges of one host tell the same number, so panels take max and not sum.
// Recorded by process-metrics.ts and host-metrics.ts; what the system does not tell is absent, never 0.
import { closed, counter, gauge, histogram, named, toldCounter } from "../declare.ts";

/** CPU, memory, event loop, garbage collector, file descriptors. */
export const processInstruments = {
  process_cpu_seconds_total: counter("User and system CPU time spent."),
  process_start_time_seconds: gauge("Start of the process, seconds since 1970."),
  process_resident_memory_bytes: gauge("Resident memory."),
  process_open_fds: gauge("Open file descriptors; each charge point is one."),
  process_max_fds: gauge("File descriptors that this process may open (its soft limit)."),
  nodejs_heap_used_bytes: gauge("JavaScript heap in use."),
  nodejs_heap_total_bytes: gauge("JavaScript heap reserved."),
  nodejs_external_memory_bytes: gauge("Memory of buffers outside the heap."),
  nodejs_gc_duration_seconds: histogram(
    "Pauses by the garbage collector, by kind.",
    // A frame's worth, what a charge point could notice, and where /readyz gives up.
    [0.001, 0.01, 0.1, 1],
    { kind: closed("minor", "major", "incremental", "weakCallbacks") },
  ),
  nodejs_active_resources: gauge("What keeps the event loop alive, by type: sockets, servers, timers.", {
    type: named(16),
  }),
  nodejs_eventloop_delay_seconds: gauge("How late the event loop was since the previous reading.", {
    quantile: closed("0.5", "0.99", "1"),
  }),
  nodejs_eventloop_utilization_ratio: gauge(
    "Share of the time since the previous reading that the loop was busy.",
  ),
};

/** Telemetry about telemetry. */
export const exportInstruments = {
  telemetry_exports_total: counter(
    "Exports to the OTLP collector, by what they carried and how they ended.",
    {
      signal: closed("metrics", "traces"),
      outcome: closed("ok", "failed"),
    },
  ),
};

/** The kernel's side of the sockets (Linux). */
export const hostInstruments = {
  host_network_receive_bytes_total: toldCounter("Bytes that arrived at the host's network interfaces.", {
    device: closed("loopback", "others"),
  }),
  host_network_transmit_bytes_total: toldCounter("Bytes that the host's network interfaces sent.", {
    device: closed("loopback", "others"),
  }),
  host_tcp_sockets: gauge("TCP sockets of the host, by state.", {
    state: closed("established", "timeWait", "orphaned", "allocated"),
  }),
  host_tcp_retransmits_total: toldCounter("TCP segments that the host sent again."),
  host_listen_overflows_total: toldCounter("Connections that found an accept queue of the host full."),
  host_listen_drops_total: toldCounter("Connections that the host dropped before they were accepted."),
};
