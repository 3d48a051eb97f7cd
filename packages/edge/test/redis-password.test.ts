import { createServer, type AddressInfo, type Server } from "node:net";
import { Writable } from "node:stream";
import { systemRandom, systemTime } from "@cpg/session-registry";
import { createLogger } from "@cpg/telemetry";
import { eventually } from "@cpg/testkit";
import { afterEach, expect, test } from "vitest";
import { openStreamLog } from "../src/integrations/open-stream-log.ts";
import { defaultConfig } from "./support/test-edge.ts";

let server: Server | undefined;
afterEach(() => new Promise<void>((resolve) => void (server?.close(() => resolve()) ?? resolve())));

/** A Redis node with another password: each command, an array in RESP, is refused. */
async function refusingNode(): Promise<string> {
  server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => {
      const commands = bytes.toString().match(/^\*\d+\r$/gm) ?? [];
      socket.write(
        "-WRONGPASS invalid username-password pair or user is disabled.\r\n".repeat(commands.length),
      );
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("a refused Redis password is in no line of the log: ioredis hangs the AUTH command on its errors", async () => {
  const { redis, routes } = defaultConfig();
  const nodes = [await refusingNode()];
  const texts: string[] = [];
  const destination = new Writable({ write: (chunk, _, done) => (texts.push(String(chunk)), done()) });
  const logger = createLogger({ level: "debug", serviceName: "gw", edge: "edge-a", destination });
  const problems: Error[] = [];
  const log = openStreamLog(
    { redis: { ...redis, nodes, password: "hunter2" }, routes },
    {
      time: systemTime,
      random: systemRandom,
      onProblem: (err) => {
        problems.push(err);
        logger.debug({ err }, "a Redis node failed");
      },
    },
  );
  try {
    await eventually(() => expect(JSON.stringify(problems), "ioredis told it").toContain("hunter2"));
    expect(texts.join("")).toContain("WRONGPASS");
    expect(texts.join("")).not.toContain("hunter2");
  } finally {
    await log.close();
  }
});
