// What the kernel knows of the host's sockets: read from /proc when somebody asks. Linux; elsewhere nothing is told.
//
// K1. Files of fixed size only: /proc/net/sockstat, snmp, netstat and dev are a few KB whatever the number of sockets. /proc/net/tcp has a
//     line for each: with 15,000 charge points that is 2 MB of text and some 20 ms of the kernel's time for each scrape, to count what
//     sockstat and snmp have already counted.
// K2. The network namespace of this process: in a container the container's, on a plain host everybody's.
// K3. A file that is not there, or a word that it does not hold, is told to nobody and as nothing: never as 0.
// K4. The files stay open: these numbers are told too while the process is out of descriptors, and an accept queue overflows just then.
import type { Meter, Observation } from "./meter.ts";
import { procFile } from "./proc-file.ts";
import type { ProcFile } from "./proc-file.ts";

/** Opens one of /proc/self/net's files by its name. */
export type OpenNetFile = (name: string) => ProcFile;

const openNetFile: OpenNetFile = (name) => procFile(`/proc/self/net/${name}`); // K4

/** Begins to observe the host. Returns the end. `open` is the system's unless given; without /proc nothing is observed. */
export function observeHost(
  meter: Meter,
  open: OpenNetFile | undefined = process.platform === "linux" ? openNetFile : undefined,
): () => void {
  if (open === undefined) return () => undefined;
  const files: ProcFile[] = [];
  const file = (name: string): (() => Promise<string>) => {
    const opened = open(name);
    files.push(opened);
    return () => opened.read().catch(() => ""); // K3
  };
  const [netstat, snmp, sockstat, dev] = [file("netstat"), file("snmp"), file("sockstat"), file("dev")];
  const ends = [
    meter.observe("host_listen_overflows_total", async () =>
      told(pairedValue(await netstat(), "TcpExt", "ListenOverflows")),
    ),
    meter.observe("host_listen_drops_total", async () =>
      told(pairedValue(await netstat(), "TcpExt", "ListenDrops")),
    ),
    meter.observe("host_tcp_retransmits_total", async () =>
      told(pairedValue(await snmp(), "Tcp", "RetransSegs")),
    ),
    meter.observe("host_tcp_sockets", async () => [
      ...labelled("established", pairedValue(await snmp(), "Tcp", "CurrEstab")),
      ...socketCounts(await sockstat()),
    ]),
    meter.observe("host_network_receive_bytes_total", async () => bytesOf(await dev(), 0)),
    meter.observe("host_network_transmit_bytes_total", async () => bytesOf(await dev(), 8)),
  ];
  return () => {
    for (const end of ends) end();
    for (const opened of files) opened.close();
  };
}

/** netstat and snmp: a line of names, then a line of numbers in the same order, both beginning with `group:`. */
export function pairedValue(text: string, group: string, name: string): number | undefined {
  const [names, values] = text.split("\n").filter((line) => line.startsWith(`${group}:`));
  const at = names?.trim().split(/\s+/).indexOf(name) ?? -1;
  return at < 1 ? undefined : finite(values?.trim().split(/\s+/)[at]);
}

type SocketCount = Observation<"host_tcp_sockets">;

const socketWords = { timeWait: "tw", orphaned: "orphan", allocated: "alloc" } as const;

/** sockstat: `TCP: inuse 5 orphan 0 tw 2 alloc 7 mem 1`. */
export function socketCounts(text: string): readonly SocketCount[] {
  const words =
    text
      .split("\n")
      .find((line) => line.startsWith("TCP:"))
      ?.trim()
      .split(/\s+/) ?? [];
  const after = (word: string): number | undefined => {
    const at = words.indexOf(word);
    return at < 0 ? undefined : finite(words[at + 1]);
  };
  return (["timeWait", "orphaned", "allocated"] as const).flatMap((state) =>
    labelled(state, after(socketWords[state])),
  );
}

/** dev: `eth0: <8 numbers received> <8 numbers sent>`; the first of each is bytes. Virtual interfaces are many, so all but `lo` add up. */
export function bytesOf(
  text: string,
  column: 0 | 8,
): readonly Observation<"host_network_receive_bytes_total">[] {
  return text.split("\n").flatMap((line) => {
    const [, device, numbers] = /^\s*(\S+):\s*(\d.*)$/.exec(line) ?? [];
    const value = finite(numbers?.trim().split(/\s+/)[column]);
    if (device === undefined || value === undefined) return [];
    return [{ value, labels: { device: device === "lo" ? ("loopback" as const) : ("others" as const) } }];
  });
}

function labelled(state: SocketCount["labels"]["state"], value: number | undefined): readonly SocketCount[] {
  return value === undefined ? [] : [{ value, labels: { state } }];
}

function told(value: number | undefined): readonly { readonly value: number }[] {
  return value === undefined ? [] : [{ value }];
}

/** TcpExt may print a counter as a negative number on odd kernels; nothing that falls is told as a counter. */
function finite(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}
