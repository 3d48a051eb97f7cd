// What `npm run ship` makes of what is built here: it is moved, and must run there on its own.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";

import { projectRoot } from "../src/paths.ts";
import { findFreePorts } from "../src/ports.ts";
import { temporaryFolder } from "./support/machine.ts";

const { ship } = (await import(join(projectRoot, "infra/ship.mjs"))) as {
  ship: (args: readonly string[]) => Promise<string>;
};

let parent: string;
let shipped: string;
let told: string;
beforeAll(async () => {
  parent = mkdtempSync(join(tmpdir(), "cpg-ship-"));
  shipped = join(parent, "moved");
  const before = process.umask(0o077);
  told = await ship([join(parent, "made")]).finally(() => process.umask(before));
  renameSync(join(parent, "made"), shipped);
}, 120_000);
afterAll(() => rmSync(parent, { recursive: true, force: true }));

const command = (): string[] => [join(shipped, "node_modules/node/bin/node"), join(shipped, "dist/main.js")];

/** An edge from the shipped folder that knows nothing of this process' environment. */
function edge(...words: string[]): { status: number | null; stdout: string; stderr: string } {
  const [node = "", main = ""] = command();
  return spawnSync(node, [main, ...words], { cwd: shipped, env: {}, encoding: "utf8" });
}

/** As links name them. */
function headingsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gmu)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\s-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** Folders of the packages in a `node_modules`, and in those that they have themselves. */
function packagesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).flatMap((name) =>
    name.startsWith("@") ? readdirSync(join(folder, name)).map((own) => join(name, own)) : [name],
  );
  const folders = names.map((name) => join(folder, name));
  return [...folders, ...folders.flatMap((each) => packagesIn(join(each, "node_modules")))];
}

describe("a shipped edge", () => {
  test("was told with its size and how it starts", () => {
    expect(told).toMatch(
      /^Edge 0\.1\.0(?:\+[\da-f]{12}(?:\.changed)?)? is in .*made \(\d+ MB\)\. It starts with\n .*dist\/main\.js --config/u,
    );
  });

  test("runs where it was moved to, on its own Node, with its own binary of uWebSockets.js", () => {
    const git = spawnSync("git", ["rev-parse", "HEAD"], { cwd: projectRoot, encoding: "utf8" });
    const built = git.status === 0 ? `\\+${git.stdout.slice(0, 12)}(?:\\.changed)?` : ""; // an archive has no commit
    const version = expect.stringMatching(new RegExp(`^0\\.1\\.0${built}\\n$`, "u"));
    expect(edge("--version")).toEqual(expect.objectContaining({ status: 0, stdout: version, stderr: "" }));
    expect(edge("--help").stdout).toContain("--listen-port");
  });

  test("holds what runs, and no source, test, link or file that is one with another's", () => {
    expect(readdirSync(shipped).toSorted()).toEqual([
      "API.md",
      "LICENSE",
      "README.md",
      "ROUTES.md",
      "dist",
      "host",
      "lua",
      "node_modules",
      "package.json",
    ]);
    expect(readdirSync(join(shipped, "node_modules/@cpg/session-registry")).toSorted()).toEqual([
      "README.md",
      "SPEC.md",
      "dist",
      "lua",
      "package.json",
    ]);
    const odd = readdirSync(shipped, { recursive: true, encoding: "utf8" }).filter((name) => {
      const entry = lstatSync(join(shipped, name));
      return entry.isSymbolicLink() || (entry.isFile() && entry.nlink > 1);
    });
    expect(odd).toEqual([]);
  });

  test("has documents whose links lead somewhere", () => {
    const documents = readdirSync(shipped).filter((name) => name.endsWith(".md"));
    const links = documents.flatMap((name) =>
      [...readFileSync(join(shipped, name), "utf8").matchAll(/\]\((?!https?:)([^)#]*)#?([^)]*)\)/gu)].map(
        ([, file = "", heading = ""]) => ({ name, file: file === "" ? name : file, heading }),
      ),
    );
    expect(links.length).toBeGreaterThan(3);
    const dead = links.filter(({ file, heading }) => {
      if (!existsSync(join(shipped, file))) return true;
      return heading !== "" && !headingsOf(readFileSync(join(shipped, file), "utf8")).includes(heading);
    });
    expect(dead).toEqual([]);
  });

  test("is what the systemd unit in it starts", () => {
    const unit = readFileSync(join(shipped, "host/linux/cpg-edge@.service"), "utf8");
    const [, started = ""] = /^ExecStart=(.*)$/mu.exec(unit) ?? [];
    expect(started.replaceAll("/opt/cpg", shipped).split(" ")).toEqual(command());
  });

  test("may be run by another user, whatever the umask of who made it", () => {
    const closed = ["", ...(readdirSync(shipped, { recursive: true }) as string[])].filter((name) => {
      const entry = statSync(join(shipped, name));
      const needed = entry.isDirectory() || name.endsWith("bin/node") ? 0o005 : 0o004;
      return (entry.mode & needed) !== needed;
    });
    expect(closed).toEqual([]);
  });

  test("has the lockfile's versions, and says nothing of the folder in which it was made", () => {
    const lockfile = readFileSync(join(projectRoot, "pnpm-lock.yaml"), "utf8");
    const manifests = packagesIn(join(shipped, "node_modules")).map((folder) =>
      readFileSync(join(folder, "package.json"), "utf8"),
    );
    const versions = manifests
      .map((text) => JSON.parse(text) as { name: string; version: string })
      .filter(({ name }) => !name.startsWith("@cpg/"))
      .map(({ name, version }) => `${name}@${version}`);
    expect(versions.length).toBeGreaterThan(100);
    expect(versions).toContain(`node@${process.versions.node}`);
    const locked = new Set([...lockfile.matchAll(/^ {2}'?([^\s']+)'?:$/gmu)].map(([, key]) => key));
    expect(versions.filter((each) => !locked.has(each))).toEqual([]);
    expect([readFileSync(join(shipped, "package.json"), "utf8"), ...manifests].join("\n")).not.toContain(
      projectRoot,
    );
  });

  test("serves a charge point, and leaves with 0 when it is told to", async () => {
    const [listen = 0, management = 0, metrics = 0] = await findFreePorts(3);
    const words = ["--auth-mode", "none", "--registry-kind", "memory", "--listen-host", "127.0.0.1"];
    const ports = ["--listen-port", listen, "--management-port", management, "--metrics-port", metrics];
    const [node = "", main = ""] = command();
    const child = spawn(node, [main, ...words, ...ports.map(String)], { cwd: shipped, env: {} });
    onTestFinished(() => void child.kill("SIGKILL"));
    let log = "";
    child.stdout.on("data", (bytes) => (log += String(bytes)));
    await vi.waitFor(() => expect(log).toContain("charge points are served"), { timeout: 15_000 });
    const station = new WebSocket(`ws://127.0.0.1:${listen}/ocpp/CP1`, "ocpp1.6");
    await once(station, "open");
    station.send('[2,"1","Heartbeat",{}]');
    const [answer] = (await once(station, "message")) as [{ data: unknown }];
    expect(answer.data).toMatch(/^\[3,"1",\{"currentTime":"/u);
    child.kill("SIGTERM");
    const [closed] = (await once(station, "close")) as [{ code: number }];
    expect(closed.code).toBe(1012);
    expect(await once(child, "exit")).toEqual([0, null]);
  });
});

describe("a folder to ship into", () => {
  test.each([[[]], [["--help"]], [["a", "b"]]])("is one word: %j", async (args) => {
    await expect(ship(args)).rejects.toThrow("usage: npm run ship -- DIR");
  });

  test("in the workspace is refused: pnpm would take it for a package", async () => {
    await expect(ship([join(projectRoot, "packages/out")])).rejects.toThrow(
      "is in the project; take a folder outside",
    );
    expect(existsSync(join(projectRoot, "packages/out"))).toBe(false);
  });

  test("that holds something is refused, and stays as it is: an edge may run from it", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "kept"), "");
    await expect(ship([folder])).rejects.toThrow("is not empty");
    await expect(ship([join(folder, "kept")])).rejects.toThrow("is a file");
    expect(readdirSync(folder)).toEqual(["kept"]);
  });
});
