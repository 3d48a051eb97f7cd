// A stream consumer to try the gateway with, and to copy from: `node infra/dist/demo-consumer.js meters` (--help says more). It prints what
// charge points sent to an integration of type `stream` (packages/edge/ROUTES.md). I/O: Redis Cluster, the console, signals.
//
// Q1. An entry is acknowledged when its work is done, here when its line is written: who dies before leaves it to the next (at least once).
// Q2. Per partition, in this order: what this consumer was given before and has not acknowledged, what others left behind, what is new.
//     After any failure it begins again, because the reply that was lost may have carried entries.
// Q3. A charge point's messages stay in order while one consumer at a time reads its partition. Two of one group share the entries of each: to
//     divide the work and keep the order, give each process partitions of its own.
// Q4. An id that was seen is dropped: the edge may write a message again. This memory is short, and gone with the process; a real
//     backend keeps the ids with its data.

import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";

import { Command, InvalidArgumentError, Option } from "commander";
import { Cluster } from "ioredis";

type Options = {
  readonly group: string;
  readonly name: string;
  readonly partitions: number;
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  readonly keyPrefix: string;
  readonly takeOverAfter: number;
};

/** What the partitions' loops share. */
type Reader = Options & { readonly redis: Cluster; readonly ending: AbortSignal; readonly seen: Set<string> };

/** Null: it is pending, and somebody deleted it meanwhile. */
type Entry = readonly [entryId: string, fields: readonly string[] | null];

const maxBatch = 100;
const maxSeen = 10_000;
// Asked instead of waited for (BLOCK): that would hold the one connection to a master, and with it its other partitions.
const pollMs = 200;
const retryMs = 1_000;
const sameWordsMs = 60_000;

function wholeBetween(least: number, most: number): (text: string) => number {
  return (text) => {
    if (/^\d{1,6}$/u.test(text) && Number(text) >= least && Number(text) <= most) return Number(text);
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

function nodesOf(text: string): Options["nodes"] {
  return text.split(",").map((node) => {
    const [, host, port] = /^\[?([^\s[\]]+?)\]?:(\d{1,5})$/u.exec(node) ?? [];
    if (host === undefined) throw new InvalidArgumentError("It must be host:port, several with commas.");
    return { host, port: Number(port) };
  });
}

function integrationOf(text: string): string {
  if (/^[\w-]{1,32}$/u.test(text)) return text;
  throw new InvalidArgumentError("It must be a name in `integrations` of the routes file.");
}

const command = new Command("demo-consumer.js")
  .description(
    "Prints what charge points sent to an integration of type stream, and takes it from the stream.",
  )
  .argument("<integration>", "its name in the routes file, for instance meters", integrationOf)
  .option("--group <name>", "consumer group: whoever reads in the same one shares the work", "demo")
  .option("--name <name>", "of this consumer: the same again after a restart, another beside it", hostname())
  .option("--partitions <n>", "as the routes file says for the integration", wholeBetween(1, 64), 16)
  .addOption(
    new Option("--nodes <host:port,…>", "some nodes of the cluster")
      .argParser(nodesOf)
      .default(nodesOf("127.0.0.1:7000"), "127.0.0.1:7000, of npm start"),
  )
  .option("--key-prefix <text>", "redis.keyPrefix of the edges", "cpg:")
  .option(
    "--take-over-after <s>",
    "how long others' entries stay unacknowledged before they are taken over: longer than their work may take",
    wholeBetween(1, 86_400),
    60,
  )
  .addHelpText("after", "\nA user's name and password come from CPG_REDIS_USERNAME and CPG_REDIS_PASSWORD.")
  .allowExcessArguments(false)
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse();
const [integration = ""] = command.processedArgs as string[];
process.exitCode = await main(integration, command.opts<Options>());

async function main(integration: string, options: Options): Promise<number> {
  const ending = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => ending.abort());
  process.stdout.on("error", () => process.exit(1)); // nobody reads: what is not acknowledged stays (Q1)
  const redis = await connect(options.nodes);
  if (redis === undefined) return 1;
  const reader = { ...options, redis, ending: ending.signal, seen: new Set<string>() };
  // Each partition is a stream in a slot of its own, so each has its own commands; a master that is away stops its partitions and no others.
  const streams = Array.from(
    { length: options.partitions },
    (_, partition) => `${options.keyPrefix}{s${String(partition).padStart(2, "0")}}:calls:${integration}`,
  );
  const [first, last] = [streams[0], streams.at(-1)];
  tell(`${options.name} reads ${first} … ${last} for the group ${options.group}; Ctrl-C ends it`);
  await Promise.all(streams.map((stream) => follow(stream, reader)));
  redis.disconnect();
  return 0;
}

/** Undefined: it is told why. */
async function connect(nodes: Options["nodes"]): Promise<Cluster | undefined> {
  let isConnected = false;
  const { CPG_REDIS_USERNAME: username, CPG_REDIS_PASSWORD: password } = process.env;
  const redis = new Cluster([...nodes], {
    lazyConnect: true,
    enableOfflineQueue: false, // what waits there has no time limit, and we could not end
    clusterRetryStrategy: () => (isConnected ? retryMs : null),
    retryDelayOnFailover: 0, // ioredis would read again after a lost reply, and what that carried would be passed over (Q2)
    slotsRefreshInterval: 2_000, // so it hears from here which replica has taken over
    redisOptions: {
      connectTimeout: 5_000,
      commandTimeout: 5_000,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
    },
  });
  let why = "";
  redis.on("error", (error: Error & { lastNodeError?: Error }) => {
    why = error.lastNodeError?.message ?? error.message;
  });
  try {
    await redis.connect();
    isConnected = true;
    // One command opens each connection: of several that come meanwhile ioredis fails some. A master that is away now is told of later.
    await Promise.allSettled(redis.nodes("master").map((node) => node.ping()));
    return redis;
  } catch (error) {
    redis.disconnect();
    const at = nodes.map(({ host, port }) => `${host}:${port}`).join(", ");
    const says = why === "" ? messageOf(error) : why;
    const reason = says === "Connection is closed." ? "" : ` (${says})`; // ioredis' words for whatever the network said
    tell(`no Redis Cluster to be had at ${at}${reason}: does it run there (npm start)?`);
    return undefined;
  }
}

/** Reads a partition until the end. Never rejects. */
async function follow(stream: string, reader: Reader): Promise<void> {
  let told = { says: "", atMs: 0 };
  while (!reader.ending.aborted) {
    try {
      await makeGroup(stream, reader);
      await readInOrder(stream, reader);
    } catch (error) {
      const says = messageOf(error);
      if (says !== told.says || performance.now() - told.atMs > sameWordsMs) {
        tell(`${stream}: ${says}; trying again`);
        told = { says, atMs: performance.now() };
      }
      await pause(retryMs, reader.ending);
    }
  }
}

// From 0: what came before the group was made counts too. MKSTREAM, because the edge makes the stream with its first entry only.
async function makeGroup(stream: string, { redis, group }: Reader): Promise<void> {
  await redis.xgroup("CREATE", stream, group, "0", "MKSTREAM").catch((error: unknown) => {
    if (!messageOf(error).startsWith("BUSYGROUP")) throw error;
  });
}

async function readInOrder(stream: string, reader: Reader): Promise<void> {
  for (let hadSome = true; hadSome && !reader.ending.aborted;)
    hadSome = await workOff(await read(stream, "0", reader), stream, reader);
  for (let takenOverAtMs = -Infinity; !reader.ending.aborted;) {
    if (performance.now() - takenOverAtMs > (reader.takeOverAfter * 1000) / 2) {
      await takeOver(stream, reader);
      takenOverAtMs = performance.now();
    }
    const hadSome = await workOff(await read(stream, ">", reader), stream, reader);
    if (!hadSome) await pause(pollMs, reader.ending);
  }
}

/** `0`: given to this consumer before and not acknowledged; `>`: given to nobody yet. */
async function read(stream: string, from: "0" | ">", { redis, group, name }: Reader): Promise<Entry[]> {
  const given = await redis.xreadgroup("GROUP", group, name, "COUNT", maxBatch, "STREAMS", stream, from);
  return given?.[0]?.[1] ?? [];
}

async function takeOver(stream: string, reader: Reader): Promise<void> {
  const { redis, group, name, takeOverAfter } = reader;
  const minIdleMs = takeOverAfter * 1000;
  for (let from = "0-0"; !reader.ending.aborted;) {
    const reply = await redis.xautoclaim(stream, group, name, minIdleMs, from, "COUNT", maxBatch);
    const [next, entries] = reply as [string, Entry[]];
    await workOff(entries, stream, reader);
    if (next === "0-0") return; // all pending ones were looked at
    from = next;
  }
}

/** Does the work of `entries`, one after the other, and takes them from the stream. False: there were none. */
async function workOff(
  entries: readonly Entry[],
  stream: string,
  { redis, group, seen }: Reader,
): Promise<boolean> {
  if (entries.length === 0) return false;
  for (const [entryId, fields] of entries)
    if (fields !== null) await workOn(fieldsOf(["id", entryId, ...fields]), seen);
  const ids = entries.map(([entryId]) => entryId);
  // Both or neither: what is acknowledged and not deleted takes room for ever, and a full stream holds up charge points. With more than one group
  // only the last to have read an entry may delete it.
  const replies = await redis
    .multi()
    .xack(stream, group, ...ids)
    .xdel(stream, ...ids)
    .exec();
  for (const [error] of replies ?? []) if (error !== null) throw error;
  return true;
}

/** This is the place for your own work. */
async function workOn(message: ReadonlyMap<string, string>, seen: Set<string>): Promise<void> {
  const id = message.get("id") ?? "";
  if (seen.has(id)) return; // Q4
  const [identity, action, payload] = ["identity", "action", "payload"].map((name) => message.get(name));
  await write(`${identity} ${action} ${payload?.replaceAll(/[\r\n]+/gu, " ")}\n`); // JSON has line ends between its words only
  seen.add(id);
  const [oldest] = seen;
  if (seen.size > maxSeen && oldest !== undefined) seen.delete(oldest);
}

function fieldsOf(fields: readonly string[]): ReadonlyMap<string, string> {
  const named = new Map<string, string>();
  for (let at = 0; at < fields.length; at += 2) named.set(fields[at] ?? "", fields[at + 1] ?? "");
  return named;
}

// Done when the line has left this process (Q1).
function write(line: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(line, (error) => (error ? reject(error) : resolve()));
  });
}

// Standard error, so that what stands on standard output are the messages alone.
function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}

function pause(ms: number, ending: AbortSignal): Promise<void> {
  return delay(ms, undefined, { signal: ending }).catch(() => undefined);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
