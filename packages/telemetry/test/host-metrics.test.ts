import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { bytesOf, observeHost, pairedValue, socketCounts } from "../src/host-metrics.ts";
import { PlainMeter } from "../src/meter.ts";
import { descriptorLimit } from "../src/process-metrics.ts";

const netstat =
  "TcpExt: SyncookiesSent ListenOverflows ListenDrops\nTcpExt: 0 12 13\nIpExt: InNoRoutes ListenDrops\nIpExt: 7 8\n";
const dev = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 100 1 0 0 0 0 0 0 200 2 0 0 0 0 0 0
  eth0:3000 1 0 0 0 0 0 0 4000 2 0 0 0 0 0 0
  veth9: 5 1 0 0 0 0 0 0 6 2 0 0 0 0 0 0
`;

describe("the kernel's files", () => {
  test("netstat and snmp: the number below its name, of the group that was asked for", () => {
    expect(pairedValue(netstat, "TcpExt", "ListenOverflows")).toBe(12);
    expect(pairedValue(netstat, "TcpExt", "ListenDrops")).toBe(13);
    expect(pairedValue(netstat, "IpExt", "ListenDrops")).toBe(8);
  });

  test.each([
    "",
    "TcpExt:",
    "TcpExt: A\nTcpExt:",
    "TcpExt: ListenDrops\nTcpExt: x",
    "TcpExt: ListenDrops\nTcpExt: -1",
  ])("what does not hold it says nothing: %j", (text) => {
    expect(pairedValue(text, "TcpExt", "ListenDrops")).toBeUndefined();
  });

  test("sockstat: the words that it has, and no 0 for those that it lacks", () => {
    expect(socketCounts("sockets: used 9\nTCP: inuse 5 orphan 1 tw 2 alloc 7 mem 1\nUDP: inuse 3\n")).toEqual(
      [
        { value: 2, labels: { state: "timeWait" } },
        { value: 1, labels: { state: "orphaned" } },
        { value: 7, labels: { state: "allocated" } },
      ],
    );
    expect(socketCounts("TCP: inuse 5 tw")).toEqual([]);
    expect(socketCounts("")).toEqual([]);
  });

  test("dev: bytes of each interface, a column each way; only the loopback has a name of its own", () => {
    expect(bytesOf(dev, 0)).toEqual([
      { value: 100, labels: { device: "loopback" } },
      { value: 3000, labels: { device: "others" } },
      { value: 5, labels: { device: "others" } },
    ]);
    expect(bytesOf(dev, 8).map(({ value }) => value)).toEqual([200, 4000, 6]);
    expect(bytesOf("eth0: abc", 0)).toEqual([]);
  });

  test("the limit of descriptors, also where there is none", () => {
    expect(
      descriptorLimit(
        "Max processes 7 7 processes\nMax open files            20000                20000                files\n",
      ),
    ).toBe(20_000);
    expect(
      descriptorLimit("Max open files            unlimited            unlimited            files\n"),
    ).toBeUndefined();
    expect(descriptorLimit("")).toBeUndefined();
  });
});

async function observed(read: (name: string) => Promise<string>) {
  const open = new Set<string>();
  const meter = new PlainMeter((name, error) => expect.unreachable(`${name}: ${String(error)}`));
  const end = observeHost(meter, (name) => {
    open.add(name);
    return { read: () => read(name), close: () => void open.delete(name) };
  });
  const opened = [...open];
  const series = (await meter.read()).filter(({ name }) => name.startsWith("host_"));
  end();
  return {
    series,
    opened,
    left: [...open],
    after: (await meter.read()).filter(({ name }) => name.startsWith("host_")),
  };
}

describe("observing the host", () => {
  test("each file is opened once for all that it tells, and given back at the end", async () => {
    const { opened, left } = await observed(() => Promise.resolve(""));
    expect(opened.sort()).toEqual(["dev", "netstat", "snmp", "sockstat"]);
    expect(left).toEqual([]);
  });

  test("files that are not there cost their numbers: absent, not 0", async () => {
    const { series } = await observed(() => Promise.reject(new Error("ENOENT")));
    expect(series).toEqual([]);
  });

  test("interfaces other than the loopback are one series, whatever their number", async () => {
    const { series, after } = await observed((name) => Promise.resolve(name === "dev" ? dev : netstat));
    const received = series.find(({ name }) => name === "host_network_receive_bytes_total");
    expect(
      received?.series.map(({ labels, ...rest }) => [labels["device"], "value" in rest && rest.value]),
    ).toEqual([
      ["loopback", 100],
      ["others", 3005],
    ]);
    expect(after, "the observation has ended").toEqual([]);
  });

  test.skipIf(process.platform !== "linux")("this machine's files are understood", async () => {
    const { series } = await observed((name) => readFile(`/proc/self/net/${name}`, "utf8"));
    expect(series.map(({ name }) => name).sort()).toEqual([
      "host_listen_drops_total",
      "host_listen_overflows_total",
      "host_network_receive_bytes_total",
      "host_network_transmit_bytes_total",
      "host_tcp_retransmits_total",
      "host_tcp_sockets",
    ]);
  });
});
