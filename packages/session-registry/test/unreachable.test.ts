// What an operator meets first: a wrong address, a wrong TLS, a port of somebody else. Health says which it is. A cluster of its own.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo, Server } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  eventually,
  freePort,
  selfSigned,
  startTestRedisAlone,
  startTestRedisCluster,
  uniquePrefix,
  type RedisCluster,
} from "@cpg/testkit";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { createClusterRegistry, systemTime, type Ownership, type RedisSettings } from "../src/index.ts";
import { NodeWatch } from "../src/redis/node-watch.ts";
import { ownershipSettings, redisSettings, retention } from "./settings.ts";

const certificate = selfSigned();
let cluster: RedisCluster;
let folder: string;
/** Of each node one port without TLS; these besides: with it, and where a client must show a certificate too. */
let ports: { plain: number; tls: number; mutual: number; refused: number };
const edges: Ownership[] = [];
const servers: Server[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cpg-tls-"));
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  await Promise.all([writeFile(cert, certificate.cert), writeFile(key, certificate.key)]);
  const [tls, mutual, refused] = [await freePort(), await freePort(), await freePort()];
  const files = { "tls-cert-file": cert, "tls-key-file": key, "tls-ca-cert-file": cert };
  cluster = await startTestRedisCluster({
    replicas: 0,
    configFor: ({ index }) => {
      if (index === 0) return { ...files, "tls-port": String(tls), "tls-auth-clients": "no" };
      return index === 1 ? { ...files, "tls-port": String(mutual), "tls-auth-clients": "yes" } : {};
    },
  });
  ports = { plain: cluster.addresses[0]?.port ?? 0, tls, mutual, refused };
}, 60_000);
afterEach(async () => {
  await Promise.all(edges.splice(0).map((edge) => edge.stop(500)));
  for (const server of servers.splice(0)) server.close();
});
afterAll(async () => {
  await cluster?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** What an edge with these settings says of Redis, once it says why. */
async function said(node: string, changes: Partial<RedisSettings>, why: RegExp): Promise<string> {
  const { ownership } = createClusterRegistry({
    ownership: ownershipSettings("edge-a"),
    redis: redisSettings([node], uniquePrefix(), { password: "opensesame", ...changes }),
    retention,
  });
  edges.push(ownership);
  const nothing = (): void => undefined;
  void ownership.start({ granted: nothing, superseded: nothing, message: nothing });
  const problem = (): string => ownership.health().problems[0] ?? "";
  await eventually(() => expect(problem()).toMatch(why), { timeoutMs: 20_000 }); // a resolver may take its time
  expect(problem()).toMatch(/^no Redis node has answered yet/);
  expect(problem()).not.toMatch(/Connection is closed|timeout|opensesame/);
  return problem();
}

/** The same in the words of whoever watches the nodes. */
async function watched(node: string, changes: Partial<RedisSettings>): Promise<string | undefined> {
  const settings = { ...redisSettings([node], "", changes), everyMs: 86_400_000 };
  const nothing = (): void => undefined;
  const watch = new NodeWatch(settings, {
    time: systemTime,
    isWatcher: () => true,
    polled: nothing,
    changed: nothing,
  });
  await watch.round();
  const [reading] = watch.readings;
  watch.close();
  return reading?.said;
}

async function listening(server: Server): Promise<string> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it("nobody listens there", async () => {
  const node = `127.0.0.1:${ports.refused}`;
  await said(node, {}, new RegExp(`connect ECONNREFUSED ${node}`));
  expect(await watched(node, {})).toContain(`ECONNREFUSED ${node}`);
});

it("a name that cannot be resolved", async () => {
  const unresolved = /getaddrinfo (ENOTFOUND|EAI_AGAIN) redis\.invalid/;
  await said("redis.invalid:7000", {}, unresolved);
  expect(await watched("redis.invalid:7000", { connectTimeoutMs: 20_000 })).toMatch(unresolved);
}, 60_000);

it("a port that wants TLS, spoken to without", async () => {
  const node = `127.0.0.1:${ports.tls}`;
  const asked = /it closed the connection before it answered .*redis\.tls\.enabled/;
  expect(await said(node, {}, asked)).toContain(node);
  expect(await watched(node, {})).toMatch(asked);
});

it("a port without TLS, spoken to with", async () => {
  const node = `127.0.0.1:${ports.plain}`;
  expect(await said(node, { tls: {} }, /(speaks|begins) no TLS .*redis\.tls\.enabled/)).toContain(node);
  expect(await watched(node, { tls: {} })).toMatch(/(speaks|begins) no TLS/);
});

it("a certificate that nobody trusts; one for another name", async () => {
  const node = `127.0.0.1:${ports.tls}`;
  const untrusted = /not trusted \(redis\.tls\.caFile\): .*DEPTH_ZERO_SELF_SIGNED_CERT/;
  expect(await said(node, { tls: {} }, untrusted)).toContain(node);
  expect(await watched(node, { tls: {} })).toMatch(untrusted);
  const tls = { ca: certificate.cert };
  await said(node, { tls }, /for another name \(redis\.tls\.serverName\): .*ERR_TLS_CERT_ALTNAME_INVALID/);
});

it("a port that wants a client's certificate, and gets none", async () => {
  const tls = { ca: certificate.cert, serverName: "test" };
  await said(`127.0.0.1:${ports.mutual}`, { tls }, /before it answered .*redis\.tls\.certFile/);
});

it("a port of somebody else", async () => {
  const http = await listening(createHttpServer((_request, response) => void response.end()));
  const other = /it is no Redis|is it no Redis\?/; // who is quick to close is not always read
  await said(http, {}, other);
  await said(http, { password: undefined }, other);
  expect(await watched(http, {})).toMatch(other);
  await said(http, { tls: {} }, /(speaks|begins) no TLS/);
});

it("a Redis without cluster mode", async () => {
  const redis = await startTestRedisAlone();
  try {
    const why = /cluster support disabled\) \(the edge needs Redis Cluster: set cluster-enabled yes /;
    await said(redis.node, { password: undefined }, why);
    expect(await watched(redis.node, { password: undefined })).toContain("set cluster-enabled yes");
  } finally {
    await redis.stop();
  }
});

it("a port where nobody says a word", async () => {
  const node = await listening(createServer((socket) => void socket.on("error", () => undefined)));
  expect(await said(node, {}, /it is connected to and does not answer/)).toContain(node);
});
