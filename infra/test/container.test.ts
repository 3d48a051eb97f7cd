// The container file beside what this project runs. No image is built here: that takes an engine, and base images from elsewhere.
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { validate } from "dockerfile-utils";
import { describe, expect, test } from "vitest";

import { projectRoot } from "../src/paths.ts";

const text = readFileSync(join(projectRoot, "infra/container/Containerfile"), "utf8");
const [, lastStage = ""] = /[^]*^FROM ([^]*)$/mu.exec(text) ?? [];

/** What stands behind an instruction of the image itself, not of the stage that it takes from. */
function argumentsOf(instruction: string): string[] {
  return [...lastStage.matchAll(new RegExp(`^${instruction} (.*)$`, "gmu"))].map(([, value = ""]) => value);
}

/** Settings as an edge in a container gets them. */
async function load(env: Readonly<Record<string, string>>): Promise<{
  config?: { listen: { port: number }; management: { port: number }; metrics: { port: number } };
  problems?: readonly string[];
}> {
  const { loadConfig } = (await import(join(projectRoot, "packages/config/dist/index.js"))) as {
    loadConfig: (input: object) => object;
  };
  const words = argumentsOf("ENV").flatMap((line) => line.split(" "));
  const own = Object.fromEntries(words.map((word) => word.split("=")));
  return loadConfig({ argv: [], env: { ...own, ...env } });
}

describe("the container file", () => {
  test("is one by the rules of the builders", () => {
    expect(validate(text)).toEqual([]);
    expect(validate(text.replace("ENTRYPOINT", "ENTRYPOINTS"))).toHaveLength(1); // it would tell
  });

  test("takes the Node that the project pins, by its major version", () => {
    const { devDependencies } = JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8")) as {
      devDependencies: { node: string };
    };
    const [major = ""] = devDependencies.node.split(".");
    expect(/^ARG NODE_IMAGE=(.*)$/mu.exec(text)?.[1]).toBe(`node:${major}-bookworm-slim`);
    expect(text.match(/^FROM .*$/gmu)).toEqual([`FROM \${NODE_IMAGE} AS shipped`, `FROM \${NODE_IMAGE}`]);
  });

  test("opens the ports that an edge has, and says so", async () => {
    const { config } = await load({ CPG_AUTH_MODE: "none", CPG_MANAGEMENT_TOKEN: "0123456789abcdef" });
    const ports = [config?.listen.port, config?.management.port, config?.metrics.port];
    expect(argumentsOf("EXPOSE")).toEqual([ports.join(" ")]);
    expect(config?.management).toMatchObject({ host: "0.0.0.0" });
    expect(config?.metrics).toMatchObject({ host: "0.0.0.0" });
  });

  test("whose management API is open to others asks for a token", async () => {
    const { problems } = await load({ CPG_AUTH_MODE: "none" });
    expect(problems).toEqual([expect.stringContaining("needs management.token")]);
  });

  test("has no shell between the signal and Node, and a user that Kubernetes can tell from root", () => {
    expect(JSON.parse(argumentsOf("ENTRYPOINT")[0] ?? "")).toEqual(["node", "/opt/cpg/dist/main.js"]);
    expect(argumentsOf("USER")).toEqual(["1000:1000"]);
  });

  test("is given nothing of what git does not keep: it installs and builds for itself", () => {
    const linesOf = (name: string): string[] =>
      readFileSync(join(projectRoot, name), "utf8")
        .split("\n")
        .filter((line) => line !== "" && !line.startsWith("#"));
    const kept = linesOf(".gitignore").map((line) => `**/${line.replace(/\/$/u, "")}`);
    expect(linesOf(".dockerignore").toSorted()).toEqual([".git", ...kept].toSorted());
  });
});
