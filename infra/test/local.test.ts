// The parts of `npm start` that need no process: arguments, ports, texts.
import { describe, expect, test } from "vitest";

import { announcement } from "../src/local/announcement.ts";
import { readableLogLine } from "../src/local/log-line.ts";
import { readOptions } from "../src/local/options.ts";
import { edgeArguments, neededPorts, planLocal } from "../src/local/plan.ts";

describe("the arguments", () => {
  test("without any, the machine decides", () => {
    const options = { registry: undefined, edges: undefined, portOffset: 0, routesFile: undefined };
    expect(readOptions([], {})).toEqual({ kind: "options", options });
  });

  test("all can be given", () => {
    const argv = ["--registry", "cluster", "--edges", "3", "--port-offset=100", "--routes-file", "mine.json"];
    const options = { registry: "cluster", edges: 3, portOffset: 100, routesFile: "mine.json" };
    expect(readOptions(argv, {})).toEqual({ kind: "options", options });
  });

  test("the routes file also comes from the environment, the argument before it", () => {
    const env = { CPG_ROUTES_FILE: "theirs.json", CPG_TELEMETRY_LOG_LEVEL: "debug" };
    expect(readOptions([], env)).toMatchObject({ options: { routesFile: "theirs.json" } });
    expect(readOptions(["--routes-file", "mine.json"], env)).toMatchObject({
      options: { routesFile: "mine.json" },
    });
  });

  test.each(["CPG_LISTEN_PORT", "CPG_EDGE_NAME", "CPG_AUTH_MODE", "CPG_REDIS_NODES", "CPG_REGISTRY_KIND"])(
    "%s is refused: it would be overruled without a word",
    (variable) => {
      expect(readOptions([], { [variable]: "x" })).toMatchObject({
        exitCode: 2,
        text: expect.stringContaining(`${variable} is set, but npm start decides that`) as string,
      });
      expect(readOptions(["--help"], { [variable]: "x" })).toMatchObject({ exitCode: 0 });
    },
  );

  test("one edge in memory is allowed, two are refused with the reason", () => {
    expect(readOptions(["--registry", "memory", "--edges", "1"], {}).kind).toBe("options");
    expect(readOptions(["--registry", "memory", "--edges", "2"], {})).toMatchObject({
      exitCode: 2,
      text: expect.stringContaining(
        "a second edge would know nothing of the first one's charge points",
      ) as string,
    });
  });

  test.each([
    [["--edges", "0"], "whole number from 1 to 16"],
    [["--edges", "17"], "whole number from 1 to 16"],
    [["--edges", "2x"], "whole number from 1 to 16"],
    [["--edges", "-1"], "whole number from 1 to 16"],
    [["--edges"], "argument missing"],
    [["--registry", "redis"], "Allowed choices are cluster, memory"],
    [["--port-offset", "1e3"], "whole number from 0"],
    [["--edgse", "2"], "Did you mean --edges?"],
    [["2"], "too many arguments"],
  ])("%j is an error that says what is right", (argv, text) => {
    expect(readOptions(argv, {})).toMatchObject({
      exitCode: 2,
      text: expect.stringContaining(text) as string,
    });
  });

  test("--help explains each of them", () => {
    const help = readOptions(["--help"], {});
    expect(help).toMatchObject({ kind: "print", exitCode: 0 });
    for (const name of ["--registry", "--edges", "--port-offset", "--routes-file"]) {
      expect(help).toMatchObject({ text: expect.stringContaining(name) as string });
    }
  });
});

describe("the plan", () => {
  test("two edges on the documented ports before a cluster of six nodes", () => {
    const plan = planLocal("cluster", { edges: undefined, portOffset: 0 });
    expect(plan.edges.map((edge) => [edge.listenPort, edge.managementPort, edge.metricsPort])).toEqual([
      [9000, 8080, 9464],
      [9001, 8081, 9465],
    ]);
    expect(plan.redisPorts).toEqual([7000, 7001, 7002, 7003, 7004, 7005]);
    expect(plan.backendPort).toBe(8000);
  });

  test("one edge and no Redis with the memory registry", () => {
    const plan = planLocal("memory", { edges: undefined, portOffset: 0 });
    expect(plan.edges).toHaveLength(1);
    expect(plan.redisPorts).toEqual([]);
  });

  test.each([1, 16])("with %d edges no port is needed twice, the cluster bus included", (edges) => {
    const ports = neededPorts(planLocal("cluster", { edges, portOffset: 0 })).map(({ port }) => port);
    expect(new Set(ports).size).toBe(ports.length);
    expect(ports).toContain(17_005);
  });

  test("an edge is told its own ports and the cluster, and no Redis with the memory registry", () => {
    const cluster = planLocal("cluster", { edges: 2, portOffset: 0 });
    const [, second] = cluster.edges;
    if (second === undefined) throw new Error("no second edge");
    const text = edgeArguments(cluster, second, "/routes.json").join(" ");
    expect(text).toContain("--edge-name edge-2 --edge-environment development");
    expect(text).toContain(
      "--listen-port 9001 --management-port 8081 --metrics-port 9465 --registry-kind cluster",
    );
    expect(text).toContain("--redis-nodes 127.0.0.1:7000,127.0.0.1:7001,");
    expect(text).toContain("--auth-mode none --routes-file /routes.json");
    const memory = planLocal("memory", { edges: 1, portOffset: 0 });
    expect(edgeArguments(memory, second, "/r").join(" ")).not.toContain("redis");
  });
});

describe("the announcement", () => {
  test("says loudly that nobody is authenticated, and commands through the other edge", () => {
    const text = announcement(planLocal("cluster", { edges: 2, portOffset: 0 }), undefined);
    expect(text).toContain("AUTHENTICATION IS OFF");
    expect(text).toContain("ws://127.0.0.1:9000/ocpp/CP001");
    expect(text).toContain("curl -sS http://127.0.0.1:8081/v1/charge-points/CP001/commands");
    expect(text).toContain("127.0.0.1:7000–7005");
  });

  test("says that sessions are in memory, and why if nobody asked for that", () => {
    const text = announcement(
      planLocal("memory", { edges: 1, portOffset: 0 }),
      "For a cluster: install Redis.",
    );
    expect(text).toContain("kept in the edge's memory");
    expect(text).toContain("For a cluster: install Redis.");
    expect(text).not.toContain("Redis    127");
  });
});

describe("a line of an edge's log", () => {
  test("becomes time, edge, level, message and fields", () => {
    const line =
      '{"level":30,"time":1700000000123,"pid":7,"hostname":"h","port":9000,"note":"two words","msg":"listening"}';
    expect(readableLogLine("edge-1", line)).toBe(
      '22:13:20.123 edge-1 info  listening  port=9000 note="two words"',
    );
  });

  test("labels of levels are understood like numbers", () => {
    const line = '{"level":"warn","time":1700000000123,"service":"charge-point-gateway","msg":"careful"}';
    expect(readableLogLine("edge-1", line)).toBe("22:13:20.123 edge-1 WARN  careful");
  });

  test("a flood of fields is cut, but never of a warning or an error", () => {
    const line = (level: string): string => JSON.stringify({ level, settings: "x".repeat(1_000), msg: "m" });
    expect(readableLogLine("e", line("info")).length).toBeLessThan(300);
    expect(readableLogLine("e", line("info"))).toMatch(/…$/u);
    expect(readableLogLine("e", line("error"))).toContain("x".repeat(1_000));
  });

  test("an error stands out, and a stack trace stays on its line", () => {
    const line = '{"level":50,"time":"2023-11-14T22:13:20.000Z","msg":"failed","err":{"message":"a\\nb"}}';
    expect(readableLogLine("edge-1", line)).toBe('22:13:20.000 edge-1 ERROR failed  err={"message":"a\\nb"}');
  });

  test.each(["Error: Cannot find module", '{"no":"level"}', "{broken", "[1]"])(
    "%s is shown as it is",
    (line) => {
      expect(readableLogLine("edge-2", line)).toBe(`edge-2 ${line}`);
    },
  );

  test("odd times and levels do not hide the message", () => {
    expect(readableLogLine("e", '{"level":35,"time":"?","msg":"x"}')).toBe("--:--:--.--- e 35 x");
  });
});
