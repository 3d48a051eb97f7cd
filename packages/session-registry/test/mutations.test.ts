// Takes each guard out of the stores, one at a time, and wants a promise to break. A mutant that survives means that nothing attacks
// its guard; one whose text is gone means that this list is out of date.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { uniquePrefix } from "@cpg/testkit";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import type { MemoryBackend } from "../src/memory/memory-backend.ts";
import { MemoryStore } from "../src/memory/memory-store.ts";
import { noMeter } from "../src/meter.ts";
import { readScript } from "../src/redis/client.ts";
import { RedisStore } from "../src/redis/redis-store.ts";
import type { RegistryStore } from "../src/store-port.ts";
import { systemRandom, systemTime } from "../src/time.ts";
import { storeCases, untilReady, type Sabotage } from "./conformance/store.ts";
import { play, steps } from "./model/commands.ts";
import { memoryGround } from "./model/grounds.ts";
import { World } from "./model/world.ts";
import { luaMutants, memoryMutants, type Mutant } from "./mutants/mutants.ts";
import { aRedisUser, memorySabotage, redisSabotage } from "./sabotage.ts";
import { redisSettings, retention } from "./settings.ts";

const packageUrl = new URL("../", import.meta.url);
const original = (file: string): string => readFileSync(new URL(file, packageUrl), "utf8");

function mutated({ file, from, to }: Mutant): string {
  const source = original(file);
  expect(source.split(from), `${file} holds this text once: ${from}`).toHaveLength(2);
  return source.replace(from, () => to);
}

/** The first promise that is broken. */
async function brokenPromise(store: RegistryStore, sabotage: Sabotage): Promise<string | undefined> {
  for (const { name, run } of storeCases(() => store, sabotage)) {
    try {
      await run();
    } catch {
      return name;
    }
  }
  return undefined;
}

describe("without one guard of the in-process store a promise is broken", () => {
  const directory = mkdtempSync(join(tmpdir(), "cpg-mutants-"));
  afterAll(() => rmSync(directory, { recursive: true }));
  let serial = 0;

  /** A copy of the source whose imports lead back to the package. */
  const load = async (source: string): Promise<typeof MemoryBackend> => {
    const file = join(directory, `mutant-${++serial}.ts`);
    const here = new URL("src/memory/", packageUrl);
    const text = source.replace(/from "(\.[^"]+)"/g, (_, path: string) => {
      return `from ${JSON.stringify(fileURLToPath(new URL(path, here)))}`;
    });
    writeFileSync(file, text);
    const module = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as {
      MemoryBackend: typeof MemoryBackend;
    };
    return module.MemoryBackend;
  };
  const broken = (Backend: typeof MemoryBackend): Promise<string | undefined> => {
    const clockUs = (): number => (performance.timeOrigin + systemTime.monotonicMs()) * 1000;
    const backend = new Backend(retention, clockUs);
    return brokenPromise(new MemoryStore(backend, systemTime), memorySabotage(backend));
  };
  const brokenInModel = async (Backend: typeof MemoryBackend): Promise<boolean> => {
    const property = fc.asyncProperty(steps({ hasFailovers: false }), (list) =>
      play(new World(memoryGround(Backend)), list),
    );
    return (await fc.check(property, { seed: 1, numRuns: 150, endOnFailure: true })).failed;
  };

  it("with every guard in place none is", async () => {
    expect(await broken(await load(original("src/memory/memory-backend.ts")))).toBeUndefined();
  });

  it.each(memoryMutants)("$guard", { timeout: 30_000 }, async (mutant) => {
    const Backend = await load(mutated(mutant));
    expect(await broken(Backend)).toBeDefined();
  });

  it.each(memoryMutants.filter(({ isFoundByModel }) => isFoundByModel))(
    "$guard: the model finds it too",
    { timeout: 30_000 },
    async (mutant) => expect(await brokenInModel(await load(mutated(mutant)))).toBe(true),
  );
});

describe("without one guard of the scripts a promise is broken", () => {
  const nodes = inject("redisNodes");
  const addresses = nodes.map(({ host, port }) => `${host}:${port}`);
  const broken = async (mutant: Mutant | undefined): Promise<string | undefined> => {
    const prefix = uniquePrefix();
    const source = mutant && mutated(mutant);
    const scripts = (file: string): string =>
      source !== undefined && mutant?.file === `lua/${file}` ? source : readScript(file);
    const ports = { time: systemTime, random: systemRandom, meter: noMeter, scripts };
    const user = await aRedisUser(nodes, `mutant-${prefix.replace(/\W/g, "")}`);
    const store = new RedisStore(redisSettings(addresses, prefix, user), retention, ports);
    try {
      await untilReady(store);
      return await brokenPromise(store, redisSabotage(nodes, prefix, user));
    } finally {
      await store.close();
    }
  };
  beforeAll(async () => {
    expect(await broken(undefined), "with every guard in place").toBeUndefined();
  });

  it.each(luaMutants)("$file: $guard", { timeout: 30_000 }, async (mutant) => {
    expect(await broken(mutant)).toBeDefined();
  });
});
