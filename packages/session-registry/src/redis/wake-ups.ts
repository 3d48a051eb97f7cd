// Sharded pub/sub that says "look into your inbox", or brings a message itself. Nothing here is certain to arrive: whoever depends on the
// word of an inbox polls as well, whoever told a message and hears nothing sends it again by the inbox.
//
// W1. One channel per partition and incarnation, one SSUBSCRIBE each (channels of different slots do not travel together).
// W2. A subscription that fails or is lost is renewed by `refresh`, which the inbox calls when its probe stays silent.
// W3. A slot that nobody serves costs the others nothing: its channel waits until the cluster covers it. Such a cluster may say that it is
//     well (cluster-require-full-coverage no), and ioredis throws where its table of slots has a hole, so the table has none.
// W4. A subscription that Redis refuses is remembered: publishing may be allowed where listening is not, so no probe would say why.

import type { RegistryError } from "../errors.ts";
import { Keyspace } from "../keyspace.ts";
import type { Incarnation } from "../model.ts";
import { partitions, type Partition } from "../partition.ts";
import type { OnWake } from "../store-port.ts";
import { openClient, type RegistryClient } from "./client.ts";
import { isWithoutSubscriber, refusalOf } from "./error-map.ts";
import { readTold } from "./replies.ts";
import type { RedisSettings } from "./settings.ts";
import type { SlotMaps } from "./slot-maps.ts";

/** So many has a cluster: https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/ */
const slotCount = 16_384;

/** The subscriber of one edge. */
export class WakeUps {
  readonly #settings: RedisSettings;
  readonly #keys: Keyspace;
  readonly #maps: SlotMaps;
  #client: RegistryClient | undefined;
  #refusal: RegistryError | undefined;
  #waiting = new Set<string>();
  #byChannel = new Map<string, Partition>();
  #onWake: OnWake = () => undefined;

  constructor(settings: RedisSettings, keys: Keyspace, maps: SlotMaps) {
    this.#settings = settings;
    this.#keys = keys;
    this.#maps = maps;
  }

  /** Listens for one incarnation, and for no earlier one any more. */
  listen(incarnation: Incarnation, onWake: OnWake): void {
    this.#byChannel = new Map(
      partitions.map((partition) => [this.#keys.wake(partition, incarnation), partition]),
    );
    this.#onWake = onWake;
    this.refresh();
  }

  /** Whether there is a channel whose slot nobody serves, as far as the table says: nothing else would tell of a change there (W3). */
  get isWaiting(): boolean {
    return this.#client?.status === "ready" && this.#waiting.size > 0;
  }

  /** Why nothing can be heard, as Redis says it (W4). */
  get refusal(): RegistryError | undefined {
    return this.#refusal;
  }

  /** Begins again on new connections (W2): the old ones may be half dead without knowing. */
  refresh(): void {
    this.close();
    const client = openClient(this.#settings, "wake", { shardedSubscribers: true });
    client.slots = Array.from({ length: slotCount }, () => []); // W3
    this.#maps.add(client);
    this.#client = client;
    client.on("smessage", (channel: string, said: string) => {
      const partition = this.#byChannel.get(channel);
      if (partition !== undefined) this.#onWake(partition, readTold(said));
    });
    this.#waiting = new Set(this.#byChannel.keys());
    this.#subscribe(client, this.#waiting);
  }

  /** Each of `waiting` leaves it for good once there is somebody to subscribe with; then it is ioredis that renews it. */
  #subscribe(client: RegistryClient, waiting: Set<string>): void {
    const subscribe = async (channel: string): Promise<void> => {
      waiting.delete(channel);
      try {
        await client.ssubscribe(channel); // W1
      } catch (error) {
        if (isWithoutSubscriber(error))
          waiting.add(channel); // W3
        else if (client === this.#client) this.#refusal ??= refusalOf("listen", error); // W4
      }
    };
    const subscribeAll = (): void => {
      if (client.status !== "ready") return;
      for (const channel of waiting) void subscribe(channel);
    };
    client.on("ready", subscribeAll);
    client.on("subscribersReady", subscribeAll); // after each change of the table of slots
  }

  close(): void {
    this.#refusal = undefined;
    if (!this.#client) return;
    this.#maps.remove(this.#client);
    this.#client.disconnect();
    this.#client = undefined;
  }
}
