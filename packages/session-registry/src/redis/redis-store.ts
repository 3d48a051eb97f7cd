// The registry store in Redis Cluster: each method is one script or command of one slot. What the scripts promise stands at their heads (lua/).

import type { IdentityKey } from "@cpg/ocpp";
import { ShardClocks } from "../clock.ts";
import { RegistryError } from "../errors.ts";
import { Keyspace } from "../keyspace.ts";
import { leaseValue, readLease } from "../lease-value.ts";
import type { Incarnation } from "../model.ts";
import { partitionOf, partitions, type Partition } from "../partition.ts";
import type {
  Claim,
  Claimant,
  LeaseEntry,
  LeaseRenewal,
  OnWake,
  RegistryStore,
  Release,
  RowReading,
} from "../store-port.ts";
import { RedisInboxes } from "./inboxes.ts";
import { Lane, type Heard, type LanePorts, type ShardState } from "./lanes.ts";
import {
  claimText,
  readClaimReply,
  readEntries,
  readEvent,
  readRow,
  rowFields,
  rowFormat,
} from "./replies.ts";
import type { RedisSettings, RetentionSettings } from "./settings.ts";
import { SlotMaps } from "./slot-maps.ts";
import { WakeUps } from "./wake-ups.ts";

/** Operations whose reply begins with the shard's time, µs (lua/). Named one by one: any other number there would shift a clock. */
const tellsTime: ReadonlySet<string> = new Set(["claim", "release", "renew", "bury", "handOver"]);
/** The question for the time itself; its reply has the same form. */
const clock = "clock";

/** See store-port.ts. */
export class RedisStore implements RegistryStore {
  readonly #keys: Keyspace;
  readonly #retention: RetentionSettings;
  readonly #ports: LanePorts;
  readonly #data: Lane;
  readonly #control: Lane;
  readonly #inboxes: RedisInboxes;
  readonly #maps: SlotMaps;
  readonly #wakeUps: WakeUps;
  readonly #clocks = new ShardClocks();
  /** Questions for the time under way, by shard. */
  readonly #asking = new Map<string, Promise<void>>();
  readonly #masters: (string | undefined)[] = [];
  #lastHeardAtMs: number | undefined;
  #onMasterChange: (partition: Partition) => void = () => undefined;

  constructor(redis: RedisSettings, retention: RetentionSettings, ports: LanePorts) {
    this.#keys = new Keyspace(redis.keyPrefix);
    this.#retention = retention;
    this.#ports = ports;
    const isUneasy = (): boolean =>
      this.#data.isUneasy ||
      this.#control.isUneasy ||
      this.#wakeUps.isWaiting ||
      [this.#data, this.#control].some((lane) => lane.isLacking); // nobody is asked there, so nobody is redirected
    this.#maps = new SlotMaps(redis.slotsRefreshMs, ports, isUneasy);
    const shared = { maps: this.#maps, onHeard: this.#heard.bind(this) };
    this.#data = new Lane(
      redis,
      { name: "data", connections: redis.connectionsPerShard, hasCircuit: true },
      ports,
      shared,
    );
    this.#control = new Lane(redis, { name: "control", connections: 1, hasCircuit: false }, ports, shared);
    this.#inboxes = new RedisInboxes({
      keys: this.#keys,
      retention,
      data: this.#data,
      control: this.#control,
      meter: ports.meter,
      nowMs: () => ports.time.monotonicMs(),
      toShardUs: (partition, atMs) => this.toShardUs(partition, atMs),
    });
    this.#data.warmUp();
    this.#control.warmUp();
    this.#data.onTopology(() => this.#compareMasters());
    this.#data.onReturn((shard) => {
      for (const partition of partitions)
        if (this.shardOf(partition) === shard) this.#onMasterChange(partition);
    });
    this.#wakeUps = new WakeUps(redis, this.#keys, this.#maps);
  }

  async claim(partition: Partition, claimant: Claimant, claims: readonly Claim[], deadlineMs: number) {
    const { incarnation } = claimant;
    const keys = [
      this.#keys.events(partition),
      this.#keys.index(partition, incarnation),
      this.#keys.fence(partition, incarnation),
      this.#keys.undone(partition, incarnation),
      ...claims.map((claim) => this.#keys.row(partition, claim.key)),
    ];
    const { eventsMaxLength, inboxMaxLength, inboxLifeMs } = this.#retention;
    const args: (string | number)[] = [
      rowFormat,
      incarnation,
      claimant.edge,
      claimant.epochFloor,
      eventsMaxLength,
      inboxMaxLength,
      inboxLifeMs,
      this.#keys.inbox(partition, ""),
      this.#keys.wake(partition, ""),
      this.#keys.row(partition, ""),
    ];
    for (const claim of claims) args.push(claimText(claim));
    const { value, hasStray } = await this.#data.callTelling("claim", partition, deadlineMs, (client) =>
      client.cpgClaim(keys.length, ...keys, ...args),
    );
    const { reply, badRows, evictions } = readClaimReply(value);
    if (badRows > 0) this.#ports.meter.badRows(badRows);
    if (evictions > 0) this.#ports.meter.evictions("sent", evictions);
    return reply.kind === "answered" ? { ...reply, hasStray } : reply;
  }

  async release(
    partition: Partition,
    incarnation: Incarnation,
    releases: readonly Release[],
    deadlineMs: number,
  ) {
    const keys = [
      this.#keys.events(partition),
      this.#keys.index(partition, incarnation),
      this.#keys.undone(partition, incarnation),
      ...releases.map((release) => this.#keys.row(partition, release.key)),
    ];
    const args: (string | number)[] = [
      rowFormat,
      incarnation,
      this.#retention.eventsMaxLength,
      this.#retention.tombstoneMs,
    ];
    for (const r of releases) args.push(r.key, r.connection ?? "", r.epoch ?? 0, r.cause);
    const raw = await this.#data.call("release", partition, deadlineMs, (client) =>
      client.cpgRelease(keys.length, ...keys, ...args),
    );
    return (raw as number[]).slice(1).map((ended) => (ended === 1 ? "ended" : "elsewhere"));
  }

  async row(key: IdentityKey, deadlineMs: number): Promise<RowReading> {
    const partition = partitionOf(key);
    try {
      const fields = await this.#data.call("lookup", partition, deadlineMs, (client) =>
        client.hmget(this.#keys.row(partition, key), ...rowFields),
      );
      const reading = readRow(key, fields);
      if (reading.kind === "bad") this.#ports.meter.badRows(1);
      return reading;
    } catch (error) {
      if (!(error instanceof RegistryError) || error.reason !== "otherType") throw error;
      this.#ports.meter.badRows(1);
      return { kind: "bad", reason: "otherType" };
    }
  }

  toShardUs(partition: Partition, monotonicMs: number): number | undefined {
    const shard = this.shardOf(partition);
    return shard === undefined ? undefined : this.#clocks.toShardUs(shard, monotonicMs);
  }

  isClockKnown(partition: Partition): boolean {
    const shard = this.shardOf(partition);
    return shard !== undefined && this.#clocks.isKnown(shard, this.#ports.time.monotonicMs());
  }

  /** One question at a time for all partitions of a shard (C3 of clock.ts): who joins waits for as long as the first would. */
  syncClock(partition: Partition, deadlineMs: number): Promise<void> {
    const shard = this.shardOf(partition);
    if (shard === undefined) return this.#askClock(partition, deadlineMs);
    let asking = this.#asking.get(shard);
    if (!asking) {
      asking = this.#askClock(partition, deadlineMs).finally(() => this.#asking.delete(shard));
      this.#asking.set(shard, asking);
    }
    return asking;
  }

  async #askClock(partition: Partition, deadlineMs: number): Promise<void> {
    // TIME has no key, so it is asked of the node itself; its reply has the form of the scripts': microseconds first.
    await this.#control.call(clock, partition, deadlineMs, async (client) => {
      const node = client
        .nodes("master")
        .find((n) => `${n.options.host}:${n.options.port}` === this.shardOf(partition));
      if (!node)
        throw new RegistryError("UNAVAILABLE", "clock: no connection to the shard yet", { retryable: true });
      const [seconds, micros] = await node.time();
      return [Number(seconds) * 1_000_000 + Number(micros)];
    });
  }

  async renew(partition: Partition, renewal: LeaseRenewal, deadlineMs: number) {
    const raw = await this.#control.call("renew", partition, deadlineMs, (client) =>
      client.cpgRenew(this.#keys.leases(partition), renewal.incarnation, leaseValue(renewal)),
    );
    return (raw as number[])[1] === 1 ? "renewed" : "fenced";
  }

  async leases(partition: Partition, deadlineMs: number): Promise<readonly LeaseEntry[]> {
    const all = await this.#control.call("leases", partition, deadlineMs, (client) =>
      client.hgetall(this.#keys.leases(partition)),
    );
    return Object.entries(all).map(([incarnation, value]) => readLease(incarnation, value));
  }

  async bury(partition: Partition, judged: LeaseEntry, deadlineMs: number): Promise<boolean> {
    const raw = await this.#control.call("bury", partition, deadlineMs, (client) =>
      client.cpgBury(this.#keys.leases(partition), judged.incarnation, judged.value, "bury"),
    );
    return (raw as number[])[1] === 1;
  }

  async forget(partition: Partition, tombstone: LeaseEntry, deadlineMs: number): Promise<void> {
    await this.#control.call("bury", partition, deadlineMs, (client) =>
      client.cpgBury(this.#keys.leases(partition), tombstone.incarnation, tombstone.value, "forget"),
    );
  }

  async fence(partition: Partition, incarnation: Incarnation, limit: number, deadlineMs: number) {
    const keys = await this.#control.call("fence", partition, deadlineMs, (client) =>
      client.cpgFence(
        this.#keys.fence(partition, incarnation),
        this.#keys.index(partition, incarnation),
        this.#retention.fenceMs,
        limit,
      ),
    );
    return keys as IdentityKey[];
  }

  async index(
    partition: Partition,
    incarnation: Incarnation,
    page: { readonly after: string; readonly limit: number },
    deadlineMs: number,
  ) {
    const from = page.after === "" ? "-" : `(${page.after}`;
    const keys = await this.#data.call("index", partition, deadlineMs, (client) =>
      client.zrangebylex(this.#keys.index(partition, incarnation), from, "+", "LIMIT", 0, page.limit),
    );
    return keys as IdentityKey[];
  }

  post(...args: Parameters<RegistryStore["post"]>) {
    return this.#inboxes.post(...args);
  }

  tell(...args: Parameters<RegistryStore["tell"]>) {
    return this.#inboxes.tell(...args);
  }

  handOver(...args: Parameters<RegistryStore["handOver"]>) {
    return this.#inboxes.handOver(...args);
  }

  readInbox(...args: Parameters<RegistryStore["readInbox"]>) {
    return this.#inboxes.read(...args);
  }

  readInboxes(...args: Parameters<RegistryStore["readInboxes"]>) {
    return this.#inboxes.readMany(...args);
  }

  trimInbox(...args: Parameters<RegistryStore["trimInbox"]>) {
    return this.#inboxes.trim(...args);
  }

  listen(incarnation: Incarnation, onWake: OnWake): void {
    this.#wakeUps.listen(incarnation, onWake);
  }

  /** Nothing will be heard where listening was refused. */
  async probe(...args: Parameters<RegistryStore["probe"]>) {
    const { refusal } = this.#wakeUps;
    if (refusal !== undefined) throw refusal;
    await this.#inboxes.probe(...args);
  }

  async events(partition: Partition, afterId: string, limit: number, deadlineMs: number) {
    const raw = await this.#data.call("events", partition, deadlineMs, (client) =>
      client.xrange(this.#keys.events(partition), afterId === "0" ? "-" : `(${afterId}`, "+", "COUNT", limit),
    );
    return readEntries(raw).map((entry) => ({ streamId: entry.id, event: readEvent(entry) }));
  }

  shardOf(partition: Partition): string | undefined {
    return this.#data.shardOf(partition);
  }

  openCircuits(): readonly string[] {
    return this.#data.openCircuits();
  }

  /** Pools and circuits of the data lane, for gauges. */
  shardStates(): readonly ShardState[] {
    return this.#data.states();
  }

  lastFailure(): string | undefined {
    return this.#data.lastFailure;
  }

  lastHeardAtMs(): number | undefined {
    return this.#lastHeardAtMs;
  }

  onMasterChange(listener: (partition: Partition) => void): void {
    this.#onMasterChange = listener;
  }

  close(): Promise<void> {
    this.#data.close();
    this.#control.close();
    this.#wakeUps.close();
    this.#maps.close();
    return Promise.resolve();
  }

  #heard({ operation, shard, sentAtMs, receivedAtMs, reply }: Heard): void {
    this.#lastHeardAtMs = receivedAtMs;
    if (!Array.isArray(reply) || typeof reply[0] !== "number") return;
    const sample = { sentAtMs, receivedAtMs, nowUs: reply[0] };
    if (operation === clock) this.#clocks.answered(shard, sample);
    else if (tellsTime.has(operation)) this.#clocks.heard(shard, sample);
  }

  #compareMasters(): void {
    for (const partition of partitions) {
      const master = this.shardOf(partition);
      const before = this.#masters[partition];
      if (master === undefined || master === before) continue;
      this.#masters[partition] = master;
      if (before !== undefined) this.#onMasterChange(partition);
    }
  }
}
