// slot-maps.ts: when it looks, and which of its clients read. Clients that count and a clock that is moved; at the end, real ones.

import { EventEmitter } from "node:events";
import type { Cluster } from "ioredis";
import { eventually, uniquePrefix } from "@cpg/testkit";
import { describe, expect, inject, it } from "vitest";
import { openClient } from "../../src/redis/client.ts";
import { SlotMaps } from "../../src/redis/slot-maps.ts";
import { systemRandom, systemTime } from "../../src/time.ts";
import { redisSettings } from "../settings.ts";
import { ProcessTime, VirtualClock } from "../virtual-time.ts";

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const lastSlot = 16_383;

type Reply = [number, number, ...[string | null, number, string][]][];

/** Two masters, each with half of the slots and one replica. */
const halves = (first = 1, second = 2): Reply => [
  [0, 8000, ["h", first, "id"], ["h", 11, "id"]],
  [8001, lastSlot, ["h", second, "id"], ["h", 12, "id"]],
];

/** As ioredis keeps it: the slots of one range share one list. */
function mapOf(reply: Reply): string[][] {
  return reply.flatMap(([first, last, ...nodes]) => {
    const list = nodes.map(([host, port]) => `${host}:${port}`);
    return Array.from({ length: last - first + 1 }, () => list);
  });
}

/** A cluster's nodes: what each says when it is asked, and how often they were. */
class SomeNodes {
  readonly says: (() => Promise<unknown>)[] = [];
  asked = 0;

  readonly nodes = (): { status: string; options: object; cluster: () => Promise<unknown> }[] =>
    this.says.map((say, port) => ({
      status: "ready",
      options: { host: "h", port },
      cluster: () => {
        this.asked++;
        return say();
      },
    }));
}

/** A client that counts what is asked of it. */
class SomeClient extends EventEmitter {
  status = "ready";
  reads = 0;
  readsForEver = false;
  errors = 0;
  refreshed = 0;
  slots = mapOf(halves());
  /** Ports of the masters that it has a connection to. */
  connected = [1, 2];
  readonly options: { readonly shardedSubscribers: boolean };
  readonly #nodes: SomeNodes;

  constructor(nodes: SomeNodes, hasSubscribers: boolean) {
    super();
    this.#nodes = nodes;
    this.options = { shardedSubscribers: hasSubscribers };
    this.on("refresh", () => void this.refreshed++);
  }

  nodes(role?: "master"): readonly object[] {
    return role === "master"
      ? this.connected.map((port) => ({ options: { host: "h", port } }))
      : this.#nodes.nodes();
  }

  refreshSlotsCache(done?: () => void): void {
    this.reads++;
    if (!this.readsForEver) done?.();
  }

  handleError(_error: Error): void {
    this.errors++;
  }
}

function someMaps(isUneasy: () => boolean) {
  const clock = new VirtualClock();
  const maps = new SlotMaps(1000, { time: new ProcessTime(clock, 0), random: { next: () => 0.5 } }, isUneasy);
  const cluster = new SomeNodes();
  cluster.says.push(() => Promise.resolve(halves()));
  const aClient = ({ hasSubscribers = false } = {}): SomeClient => {
    const client = new SomeClient(cluster, hasSubscribers);
    maps.add(client as unknown as Cluster);
    return client;
  };
  const advance = (ms: number): Promise<void> => clock.advance(ms, settle);
  return { maps, cluster, a: aClient(), b: aClient(), aClient, advance };
}

describe("a look", () => {
  it("is not taken while all is well, but for once in a long while", async () => {
    const { cluster, advance } = someMaps(() => false);
    await advance(299_000);
    expect(cluster.asked).toBe(0);
    await advance(1000);
    expect(cluster.asked).toBe(1);
  });

  it("is taken at every interval while something fails, and nobody reads what is true", async () => {
    const { cluster, a, b, advance } = someMaps(() => true);
    await advance(10_000);
    expect(cluster.asked).toBe(10);
    expect([a.reads, b.reads]).toEqual([0, 0]);
  });

  it("is taken for all when one client asks, and tells each that its map is true", async () => {
    const { cluster, a, b, advance } = someMaps(() => false);
    a.refreshSlotsCache();
    await advance(0);
    expect([cluster.asked, a.refreshed, b.refreshed]).toEqual([1, 1, 1]);
  });

  it("is taken when a connection is lost: who pipelines asks for nothing", async () => {
    const { cluster, a, advance } = someMaps(() => false);
    a.emit("-node");
    await advance(0);
    expect(cluster.asked).toBe(1);
  });

  it("tells who asked as soon as its own map is known to be true, though another's read hangs", async () => {
    const { a, b, advance } = someMaps(() => false);
    b.slots[77] = ["h:9"];
    b.readsForEver = true;
    let told = 0;
    a.refreshSlotsCache(() => void told++);
    b.refreshSlotsCache(() => void told++);
    await advance(100);
    expect([told, b.reads]).toEqual([1, 1]);
  });

  it("is of no use to a client that was removed meanwhile; it is told all the same", async () => {
    const { maps, cluster, a, advance } = someMaps(() => false);
    cluster.says[0] = () => Promise.resolve(halves(1, 3));
    let told = 0;
    a.refreshSlotsCache(() => void told++);
    maps.remove(a as unknown as Cluster);
    await advance(100);
    expect([told, a.reads]).toEqual([1, 0]);
  });

  it("is taken four times a second at most, and everybody who asked is told", async () => {
    const { cluster, a, advance } = someMaps(() => false);
    let told = 0;
    for (let n = 0; n < 20; n++) {
      a.refreshSlotsCache(() => void told++);
      await advance(50);
    }
    await advance(350);
    expect(cluster.asked).toBeGreaterThan(2);
    expect(cluster.asked).toBeLessThanOrEqual(5);
    expect(told).toBe(20);
  });

  it("asks two nodes, so one that hangs keeps nobody waiting", async () => {
    const { cluster, a, advance } = someMaps(() => false);
    cluster.says.unshift(() => new Promise(() => undefined));
    a.refreshSlotsCache();
    await advance(0);
    expect(a.refreshed).toBe(1);
  });

  it("asks others each time", async () => {
    const { cluster, advance } = someMaps(() => true);
    const asked = [0, 0, 0, 0];
    cluster.says.splice(
      0,
      1,
      ...asked.map((_, node) => () => Promise.resolve(halves()).finally(() => asked[node]!++)),
    );
    await advance(8000);
    expect(asked).toEqual([4, 4, 4, 4]);
  });

  it("waits for the one before: what is asked for meanwhile is looked at afterwards", async () => {
    const { cluster, a, advance } = someMaps(() => false);
    let answer: (reply: Reply) => void = () => undefined;
    cluster.says[0] = () => new Promise((resolve) => void (answer = resolve));
    a.refreshSlotsCache();
    await advance(1000);
    a.refreshSlotsCache();
    await advance(1000);
    expect(cluster.asked).toBe(1);
    answer(halves());
    await advance(0);
    expect(cluster.asked).toBe(2);
  });
});

describe("a client reads its map", () => {
  it("when another master serves a range, and who knows it already does not", async () => {
    const { cluster, a, b, advance } = someMaps(() => false);
    cluster.says[0] = () => Promise.resolve(halves(1, 3));
    b.slots = mapOf(halves(1, 3));
    b.connected = [1, 3];
    b.refreshSlotsCache();
    await advance(100);
    expect([a.reads, b.reads]).toEqual([1, 0]);
  });

  it.each<[string, (client: SomeClient) => void]>([
    ["one slot of a range was redirected", ({ slots }) => void (slots[77] = ["h:9"])],
    ["it knows no master of a slot", ({ slots }) => void slots.pop()],
    ["a replica went", ({ slots }) => void slots[0]!.push("h:13")],
    ["a replica came", ({ slots }) => void slots[0]!.pop()],
    ["one replica took another's place", ({ slots }) => void slots[0]!.splice(1, 1, "h:13")],
  ])("when %s", async (_, change) => {
    const { a, b, advance } = someMaps(() => false);
    change(a);
    a.refreshSlotsCache();
    await advance(100);
    expect([a.reads, b.reads]).toEqual([1, 0]);
  });

  it("when the master of a range is told as its own replica: so ioredis leaves it after a planned failover", async () => {
    const { cluster, a, advance } = someMaps(() => false);
    const [, second] = halves();
    cluster.says[0] = () => Promise.resolve([[0, 8000, ["h", 11, "id"], ["h", 1, "id"]], second]);
    a.slots = mapOf([[0, 8000, ["h", 11, "id"], ["h", 11, "id"]], second!]);
    a.refreshSlotsCache();
    await advance(100);
    expect(a.reads).toBe(1);
  });

  it("after a redirection, every two seconds at most, though its map is true by then", async () => {
    const { a, b, advance } = someMaps(() => false);
    for (let n = 0; n < 40; n++) {
      a.handleError(new Error("MOVED 77 h:1"));
      a.handleError(new Error("CLUSTERDOWN The cluster is down"));
      await advance(100);
    }
    expect(a.reads).toBeGreaterThan(1);
    expect(a.reads).toBeLessThanOrEqual(3);
    expect([a.errors, b.reads]).toEqual([80, 0]);
  });

  it("not when it is no longer connected by the time that it should", async () => {
    const { a, advance } = someMaps(() => false);
    a.handleError(new Error("MOVED 77 h:1"));
    a.status = "reconnecting";
    await advance(3000);
    expect(a.reads).toBe(0);
  });

  it.each<[string, () => Promise<unknown>]>([
    ["no node answers", () => Promise.reject(new Error("Command timed out"))],
    ["a node knows of no slots", () => Promise.resolve([])],
    ["a node says what is no map", () => Promise.resolve("OK")],
  ])("when %s", async (_, say) => {
    const { cluster, a, b, advance } = someMaps(() => false);
    cluster.says[0] = say;
    a.refreshSlotsCache();
    await advance(100);
    expect([a.reads, b.reads]).toEqual([1, 1]);
  });

  it("not because a node tells the replicas in another order", async () => {
    const { cluster, a, advance } = someMaps(() => false);
    const range = (...ports: number[]): Reply => [
      [0, lastSlot, ...ports.map((port): Reply[0][2] => ["h", port, "id"])],
    ];
    cluster.says[0] = () => Promise.resolve(range(1, 11, 13));
    a.slots = mapOf(range(1, 13, 11));
    a.refreshSlotsCache();
    await advance(100);
    expect([a.reads, a.refreshed]).toEqual([0, 1]);
  });

  it("to be connected to a master again, every two seconds at most while it is not", async () => {
    const { a, b, advance } = someMaps(() => true);
    a.connected = [1];
    await advance(10_000);
    expect(a.reads).toBeGreaterThan(1);
    expect(a.reads).toBeLessThanOrEqual(5);
    a.connected = [1, 2];
    await advance(3000); // a read may have been due
    const { reads } = a;
    await advance(10_000);
    expect([a.reads, b.reads]).toEqual([reads, 0]);
  });

  it("one after the other, so that what each holds the loop for does not add up", async () => {
    const { cluster, a, b, advance } = someMaps(() => false);
    cluster.says.length = 0;
    a.refreshSlotsCache();
    await advance(20);
    expect([a.reads, b.reads]).toEqual([1, 0]);
    await advance(10);
    expect([a.reads, b.reads]).toEqual([1, 1]);
  });

  it("not while it connects, nor when it is done with", async () => {
    const { maps, cluster, a, b, aClient, advance } = someMaps(() => true);
    cluster.says[0] = () => Promise.resolve(halves(1, 3));
    a.status = "connecting";
    maps.remove(b as unknown as Cluster);
    const third = aClient();
    await advance(5000);
    expect([a.reads, b.reads]).toEqual([0, 0]);
    expect(third.reads).toBeGreaterThan(0);
    maps.close();
  });

  it("by itself while it connects: there is nobody else to ask", () => {
    const { cluster, a } = someMaps(() => false);
    a.status = "connecting";
    a.refreshSlotsCache();
    expect([a.reads, cluster.asked]).toEqual([1, 0]);
  });

  it("for its subscribers whenever it asks, every two seconds at most, and tells everybody who asked", async () => {
    const { a, aClient, advance } = someMaps(() => false);
    const wake = aClient({ hasSubscribers: true });
    let told = 0;
    for (let n = 0; n < 40; n++) {
      wake.refreshSlotsCache(() => void told++);
      await advance(100);
    }
    await advance(2000);
    expect(wake.reads).toBeGreaterThan(1);
    expect(wake.reads).toBeLessThanOrEqual(3);
    expect([told, a.reads]).toEqual([40, 0]);
  });
});

describe("of a real cluster", () => {
  it("a true map is left alone, and a false one is mended", async () => {
    const nodes = inject("redisNodes").map(({ host, port }) => `${host}:${port}`);
    const client = openClient(redisSettings(nodes, uniquePrefix()), "test");
    const read = client.refreshSlotsCache.bind(client);
    let reads = 0;
    client.refreshSlotsCache = (done) => {
      reads++;
      read(done);
    };
    const maps = new SlotMaps(60_000, { time: systemTime, random: systemRandom }, () => false);
    maps.add(client);
    const looked = (): Promise<void> => new Promise((resolve) => client.refreshSlotsCache(() => resolve()));
    await eventually(() => expect(client.status).toBe("ready"));
    await Promise.all(client.nodes("master").map((node) => node.ping()));
    await looked();
    reads = 0;
    await looked();
    expect(reads).toBe(0);
    const [right] = client.slots[0] ?? [];
    client.slots[0] = ["127.0.0.1:1"];
    await looked();
    expect(reads).toBe(1);
    expect(client.slots[0]?.[0]).toBe(right);
    client.disconnect();
    maps.close();
  });
});
