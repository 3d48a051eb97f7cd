// Where a Redis server comes from. Debian's tools are played by scripts: the tests need no network.
import { execFile } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

import { describe, expect, test } from "vitest";

import { findRedisServer, type RedisServerSearch } from "../src/redis-server.ts";
import { redisServer, temporaryFolder } from "./support/machine.ts";

const run = promisify(execFile);
const module = new URL("../dist/redis-server.js", import.meta.url).href;

function program(folder: string, name: string, script: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, name), 0o755);
}

/** A PATH with the plain tools scripts need, and nothing else of this machine. */
function bareTools(): string {
  const folder = join(temporaryFolder(), "bin");
  mkdirSync(folder);
  for (const name of ["sh", "mkdir", "cp", "chmod", "cat", "sleep", "printf"])
    symlinkSync(`/bin/${name}`, join(folder, name));
  return folder;
}

/** Debian's tools: two packages, one of which unpacks to a redis-server that says `version`. */
function fakeDebian(version: string, download = ""): string {
  const tools = bareTools();
  program(tools, "apt-cache", `echo "redis-tools"; echo "  Depends: libc6"; echo "  Depends: libjemalloc2"`);
  program(
    tools,
    "apt-get",
    `case "$*" in *download*) ${download || `for p in "$@"; do :; done; : > tools.deb; echo "$*" > args.txt`} ;; esac`,
  );
  program(
    tools,
    "dpkg-deb",
    `mkdir -p "$3/usr/bin" "$3/usr/lib/x86_64-linux-gnu"; [ "\${2##*/}" = args.txt ] && cp "$2" "$3/args.txt"
for name in redis-server redis-cli; do printf '#!/bin/sh\\necho "Redis server v=${version} libs=$LD_LIBRARY_PATH"\\n' > "$3/usr/bin/$name"; chmod 755 "$3/usr/bin/$name"; done`,
  );
  return tools;
}

/** In a process of its own, so that PATH is the test's alone. */
async function search(path: string, cacheDir: string): Promise<RedisServerSearch> {
  const code = `import(${JSON.stringify(module)}).then(async (m) => console.log(JSON.stringify(await m.findRedisServer({ cacheDir: process.argv[1] }))))`;
  const { stdout } = await run(process.execPath, ["-e", code, cacheDir], { env: { PATH: path } });
  return JSON.parse(stdout) as RedisServerSearch;
}

describe("findRedisServer", () => {
  test("takes redis-server from PATH if it is new enough", async () => {
    const tools = bareTools();
    program(tools, "redis-server", `echo "Redis server v=7.2.4 sha=00000000:0 malloc=libc bits=64"`);
    expect(await search(tools, temporaryFolder())).toEqual({
      kind: "found",
      server: { origin: "path", command: join(tools, "redis-server"), env: {}, version: "7.2.4" },
    });
  });

  test.each([
    ["too old", `echo "Redis server v=6.0.16 sha=0"`, "version 6.0.16, too old"],
    ["broken", `exit 127`, "does not run"],
  ])("passes over a %s one, and says so where nothing else can be had", async (_, script, reason) => {
    const tools = bareTools();
    program(tools, "redis-server", script);
    const found = await search(tools, temporaryFolder());
    expect(found).toMatchObject({ kind: "missing", reason: expect.stringContaining(reason) as string });
    expect(found).toMatchObject({ reason: expect.stringContaining("no apt-get") as string });
    expect(found).toMatchObject({ advice: expect.stringContaining("Install Redis 7 or newer") as string });
  });

  test("unpacks Debian's packages, with their libraries but never the C library", async () => {
    const cacheDir = temporaryFolder();
    const found = await search(fakeDebian("7.0.15"), cacheDir);
    expect(found).toMatchObject({ kind: "found", server: { origin: "unpacked", version: "7.0.15" } });
    const [folder] = readdirSync(cacheDir);
    const { stdout: args } = await run("cat", [join(cacheDir, folder ?? "", "args.txt")]);
    expect(args.trim()).toMatch(/download redis-server redis-tools libjemalloc2$/u);
  });

  test("processes that unpack at once all end with the one complete folder, and leave nothing beside it", async () => {
    const cacheDir = temporaryFolder();
    const tools = fakeDebian("7.0.15", `sleep 0.2; : > tools.deb`);
    const all = await Promise.all(Array.from({ length: 5 }, () => search(tools, cacheDir)));
    const commands = all.map((one) => (one.kind === "found" ? one.server.command : one.reason));
    expect(new Set(commands).size).toBe(1);
    expect(commands[0]).toMatch(/usr\/bin\/redis-server$/u);
    expect(readdirSync(cacheDir)).toHaveLength(1);
  });

  test("replaces an unpacked folder that does not run, which an interrupted removal leaves", async () => {
    const cacheDir = temporaryFolder();
    const tools = fakeDebian("7.0.15");
    await search(tools, cacheDir);
    const [folder = ""] = readdirSync(cacheDir);
    program(join(cacheDir, folder, "usr/bin"), "redis-server", "exit 1");
    expect(await search(tools, cacheDir)).toMatchObject({ kind: "found" });
    expect(readdirSync(cacheDir)).toEqual([folder]);
  });

  test("says why Debian's packages did not help: no network", async () => {
    const cacheDir = temporaryFolder();
    const tools = fakeDebian(
      "7.0.15",
      `echo "E: Failed to fetch http://deb.debian.org/x  Could not resolve" >&2; exit 100`,
    );
    expect(await search(tools, cacheDir)).toMatchObject({
      kind: "missing",
      reason: expect.stringContaining("E: Failed to fetch http://deb.debian.org/x") as string,
    });
    expect(readdirSync(cacheDir)).toEqual([]);
  });

  test("says why Debian's packages did not help: an old release", async () => {
    expect(await search(fakeDebian("6.0.16"), temporaryFolder())).toMatchObject({
      kind: "missing",
      reason: expect.stringContaining("older than 7") as string,
    });
  });

  test("what it finds on this machine runs, redis-cli too", async () => {
    const server = await redisServer();
    const env = { ...process.env, ...server.env };
    const { stdout } = await run(server.command, ["--version"], { env });
    expect(stdout).toContain(`v=${server.version}`);
    expect(server.cli).toBeDefined();
    expect((await run(server.cli ?? "", ["--version"], { env })).stdout).toMatch(/^redis-cli \d/u);
    expect(await findRedisServer()).toEqual({ kind: "found", server });
  });
});
