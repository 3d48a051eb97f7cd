import { describe, expect, test } from "vitest";
import { nodeInfo, nodesOfShards } from "../../src/redis/node-info.ts";

const info = [
  "# Server",
  "redis_version:7.0.15",
  "# Clients",
  "connected_clients:12",
  "maxclients:10000",
  "# Stats",
  "total_net_input_bytes:x12",
  "# Replication",
  "role:master",
  "slave0:ip=127.0.0.1,port=7003,state=online,offset=56,lag=1",
  "slave1:ip=::1,port=7004,state=wait_bgsave",
  "slave2:nonsense",
  "# Commandstats",
  "cmdstat_get:calls=3,usec=9,usec_per_call=3.00",
  "cmdstat_cluster|info:calls=2,usec=9",
  "cmdstat_cluster|slots:calls=5,usec=9",
  "cmdstat_broken:usec=9",
].join("\r\n");

describe("a node's account of itself", () => {
  const node = nodeInfo(info, "cluster_state:ok\r\ncluster_slots_ok:16384\r\n");

  test("numbers by their own names, from INFO and CLUSTER INFO", () => {
    expect(node.number("connected_clients")).toBe(12);
    expect(node.number("cluster_slots_ok")).toBe(16_384);
    expect([node.role, node.version, node.clusterState]).toEqual(["master", "7.0.15", "ok"]);
  });

  test("what is not there, or no number, is absent and not 0", () => {
    expect(node.number("evicted_keys")).toBeUndefined();
    expect(node.number("total_net_input_bytes")).toBeUndefined();
    expect(node.number("role")).toBeUndefined();
    expect(nodeInfo("", "")).toMatchObject({ role: undefined, clusterState: undefined, replicas: [] });
  });

  test("calls by command, subcommands added up", () => {
    expect([...node.calls]).toEqual([
      ["get", 3],
      ["cluster", 7],
    ]);
  });

  test("replicas with what is known of each", () => {
    expect(node.replicas).toEqual([
      { host: "127.0.0.1", port: "7003", offset: 56, lagSeconds: 1 },
      { host: "::1", port: "7004", offset: undefined, lagSeconds: undefined },
    ]);
  });
});

describe("the nodes that CLUSTER SHARDS lists", () => {
  const node = (...fields: unknown[]) => fields;
  const reply = (...nodes: unknown[]) => [["slots", [0, 16_383], "nodes", nodes]];

  test("dead ones too, each once, by the address that clients should use", () => {
    const shards = [
      ...reply(
        node("id", "a", "port", 7000, "ip", "10.0.0.1", "endpoint", "redis-1", "health", "online"),
        node("id", "b", "port", 7001, "ip", "10.0.0.2", "endpoint", "?", "health", "fail"),
      ),
      ...reply(node("id", "c", "port", 7000, "ip", "10.0.0.1", "endpoint", "redis-1")),
      ...reply(node("port", 7002, "ip", "fd00::1", "endpoint", "fd00::1")),
    ];
    expect(nodesOfShards(shards, "seed:1", false)).toEqual([
      "redis-1:7000",
      "10.0.0.2:7001",
      "[fd00::1]:7002",
    ]);
  });

  test("a node that does not know its address is the one that was asked", () => {
    expect(nodesOfShards(reply(node("port", 7000, "ip", "", "endpoint", "")), "seed:1", false)).toEqual([
      "seed:1",
    ]);
  });

  test("the TLS port where TLS is spoken; nodes without one are none", () => {
    const two = reply(node("port", 1, "tls-port", 2, "ip", "h"), node("port", 3, "ip", "h"));
    expect(nodesOfShards(two, "seed:1", true)).toEqual(["h:2"]);
  });

  test.each([null, "OK", 7, [], [[]], [["nodes"]], [["nodes", "x"]], [["nodes", [["port", "1"]]]]])(
    "any other reply lists none: %j",
    (other) => {
      expect(nodesOfShards(other, "seed:1", false)).toEqual([]);
    },
  );
});
