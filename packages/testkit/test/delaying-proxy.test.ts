// The proxy makes a network bad, and never makes it wrong: bytes keep their order and value.
import { createHash, randomBytes } from "node:crypto";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { buffer } from "node:stream/consumers";

import { describe, expect, onTestFinished, test } from "vitest";

import { delayingProxy, type DelayingProxy, eventually, freePort } from "../src/index.ts";

/** A server that sends back what it gets, and ends when its client does. */
async function echo(): Promise<{ port: number; server: Server; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { port: address.port, server, sockets };
}

async function proxyBefore(port: number, delayMs = 0): Promise<DelayingProxy> {
  const proxy = await delayingProxy({ target: { host: "127.0.0.1", port }, delayMs });
  onTestFinished(() => proxy.close());
  return proxy;
}

async function client(
  port: number,
): Promise<{ socket: Socket; received: () => string; closed: () => string }> {
  const socket = createConnection({ port, host: "127.0.0.1" });
  onTestFinished(() => void socket.destroy());
  let received = "";
  let closed = "";
  socket.on("data", (bytes) => (received += bytes.toString()));
  socket.on("error", (error: NodeJS.ErrnoException) => (closed = error.code ?? "error"));
  socket.on("close", () => (closed ||= "closed"));
  // A reset may come before the news of the connection.
  await new Promise<void>((resolve) => socket.once("connect", resolve).once("close", () => resolve()));
  return { socket, received: () => received, closed: () => closed };
}

/** What holds for a while: asked again and again, it stays so for `ms`. */
async function staysTrue(ms: number, fn: () => boolean): Promise<void> {
  const until = performance.now() + ms;
  await eventually(() => {
    if (!fn()) throw new Error("it changed");
    return performance.now() > until;
  });
}

describe("delayingProxy", () => {
  test("passes megabytes unchanged and in order, with a delay and one that changes meanwhile", async () => {
    const { port } = await echo();
    const proxy = await proxyBefore(port, 30);
    const { socket } = await client(proxy.port);
    socket.removeAllListeners("data");
    const sent = randomBytes(5_000_000);
    const answer = buffer(socket);
    for (let offset = 0; offset < sent.length; offset += 100_000) {
      proxy.setDelay((offset / 100_000) % 7); // a smaller delay must not overtake a larger one
      socket.write(sent.subarray(offset, offset + 100_000));
    }
    socket.end();
    const hash = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
    expect(hash(await answer)).toBe(hash(sent));
    expect(proxy.counters()).toMatchObject({ bytesUp: sent.length, bytesDown: sent.length, accepted: 1 });
    await eventually(() => proxy.counters().open === 0);
  });

  test("delays each direction by itself, and a burst by one delay, not by one per write", async () => {
    const { port } = await echo();
    const proxy = await proxyBefore(port);
    proxy.setDelay(60, "up");
    proxy.setDelay(90, "down");
    const { socket, received } = await client(proxy.port);
    const begun = performance.now();
    for (let count = 0; count < 20; count++) {
      socket.write("x");
      await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually(() => received().length === 20, { intervalMs: 1 });
    const took = performance.now() - begun;
    expect(took).toBeGreaterThan(149);
    expect(took).toBeLessThan(1_000); // 20 writes one after the other would take 3 s
  });

  test("a stall holds bytes and new connections silently; resume lets them flow", async () => {
    const { port } = await echo();
    const proxy = await proxyBefore(port);
    const first = await client(proxy.port);
    first.socket.write("a");
    await eventually(() => first.received() === "a");
    proxy.stall();
    const second = await client(proxy.port);
    first.socket.write("b");
    second.socket.write("c");
    second.socket.end();
    await staysTrue(150, () => first.received() === "a" && second.received() === "" && first.closed() === "");
    proxy.resume();
    await eventually(() => first.received() === "ab" && second.received() === "c");
    await eventually(() => second.closed() === "closed"); // its FIN was held too
  });

  test("stalled downwards, a request arrives and only its answer is missing: an outcome nobody knows", async () => {
    const { port } = await echo();
    const proxy = await proxyBefore(port);
    const { socket, received } = await client(proxy.port);
    proxy.stall("down");
    socket.write("write");
    await eventually(() => proxy.counters().bytesUp === 5);
    await staysTrue(50, () => received() === "");
    proxy.cut();
    await eventually(() => socket.destroyed);
    expect(received()).toBe("");
  });

  test("a cut resets what is open and what comes, until resume", async () => {
    const { port, sockets } = await echo();
    const proxy = await proxyBefore(port);
    const first = await client(proxy.port);
    await eventually(() => sockets.length === 1);
    proxy.cut();
    await eventually(() => first.closed() === "ECONNRESET");
    await eventually(() => sockets.every((socket) => socket.destroyed)); // the target learns of it as well
    const second = await client(proxy.port);
    await eventually(() => second.closed() !== "");
    expect(proxy.counters()).toMatchObject({ accepted: 2, refused: 1, open: 0 });
    proxy.resume();
    const third = await client(proxy.port);
    third.socket.write("z");
    await eventually(() => third.received() === "z");
  });

  test("reset ends what is open and lets new connections pass at once", async () => {
    const { port } = await echo();
    const proxy = await proxyBefore(port);
    const first = await client(proxy.port);
    proxy.reset();
    await eventually(() => first.closed() !== "");
    const second = await client(proxy.port);
    second.socket.write("y");
    await eventually(() => second.received() === "y");
  });

  test("a target that cannot be reached resets the client and is counted", async () => {
    const proxy = await proxyBefore(await freePort());
    const { closed } = await client(proxy.port);
    await eventually(() => closed() === "ECONNRESET");
    expect(proxy.counters()).toMatchObject({ accepted: 1, refused: 1, open: 0 });
  });

  test("a port in use is an error, not a proxy that nobody reaches", async () => {
    const { port } = await echo();
    await expect(delayingProxy({ target: { host: "127.0.0.1", port }, port })).rejects.toThrow("EADDRINUSE");
  });
});
