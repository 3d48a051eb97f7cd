import { systemTime } from "@cpg/session-registry";
import { afterEach, expect, test } from "vitest";
import { createLocalRoute } from "../src/integrations/local.ts";
import { eventually } from "@cpg/testkit";
import { connect } from "./support/charge-point.ts";
import { startTestEdge, type TestEdge } from "./support/test-edge.ts";

let running: TestEdge | undefined;
afterEach(async () => {
  await running?.edge.stop();
  expect(running?.bugs).toEqual([]);
});

test("a Heartbeat is answered over a real socket, before and after the registry granted the session", async () => {
  running = await startTestEdge({ Heartbeat: createLocalRoute("Heartbeat", "heartbeat", systemTime) });
  const { edge, ownership, url } = running;
  ownership.grantsClaims = false;
  const station = await connect(url("CP1"));
  const answer = await station.call("a", "Heartbeat");
  expect([answer.type, answer.id]).toEqual([3, "a"]);
  expect(Date.parse(String(answer.payload["currentTime"]))).toBeGreaterThan(Date.now() - 10_000);
  const [claim] = ownership.claims;
  if (claim === undefined) throw new Error("no claim");
  const { key, connection } = claim;
  expect(edge.sessions.find(key, connection)?.epoch).toBeUndefined();
  ownership.sessions?.granted(claim, 7);
  expect(edge.sessions.find(key, connection)?.epoch).toBe(7);
  expect((await station.call("b", "Heartbeat")).type).toBe(3);
  station.ws.close();
  await eventually(() => ownership.releases.length === 1);
  expect(ownership.releases).toEqual([{ connection, cause: "closed" }]);
  expect(edge.sessions.size).toBe(0);
});
