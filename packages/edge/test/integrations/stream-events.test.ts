// What is told of sessions to a stream, over a log that says how many entries wait in it.

import { systemRandom, systemTime } from "@cpg/session-registry";
import { eventually } from "@cpg/testkit";
import { expect, test } from "vitest";
import { buildRoutes } from "../../src/build-routes.ts";
import { systemIds } from "../../src/ids.ts";
import type { StreamLog } from "../../src/integrations/stream-log.ts";
import { readRoutes } from "../../src/routes-file.ts";
import { connect } from "../support/charge-point.ts";
import { Counts, defaultConfig, Problems, startTestEdge } from "../support/test-edge.ts";

test("where very many entries wait for a master, $connect and $disconnect are given up at once; a CALL is not (Z4)", async () => {
  const appended: string[] = [];
  let waiting = 10_000;
  const log: StreamLog = {
    waitingFor: () => waiting,
    append({ fields }) {
      appended.push(fields[fields.indexOf("action") + 1] ?? "");
      return Promise.resolve({ kind: "ok", id: "1-1" });
    },
    length: () => Promise.resolve(undefined),
    close: () => Promise.resolve(),
  };
  const plan = readRoutes(
    JSON.stringify({
      integrations: { log: { type: "stream" } },
      routes: { $connect: "log", $disconnect: "log", StatusNotification: "log" },
    }),
  );
  if (plan.kind === "invalid") throw new Error(plan.problems.join("\n"));
  const instruments = new Counts();
  const problems = new Problems();
  const { router } = buildRoutes(plan.routes, defaultConfig(), {
    time: systemTime,
    random: systemRandom,
    ids: systemIds,
    instruments,
    problems,
    openStreamLog: () => log,
  });
  const { edge, url } = await startTestEdge({}, { router, instruments });
  try {
    const station = await connect(url("CP1"));
    await station.call("1", "StatusNotification");
    await eventually(() => expect(instruments.of("not sent log overload")).toBe(1));
    expect(appended).toEqual(["StatusNotification"]);
    expect([...problems.told]).toEqual(["log: 10000 entries wait for one master"]);
    waiting -= 1;
    station.ws.close();
    await eventually(() => expect(appended).toEqual(["StatusNotification", "$disconnect"]));
    expect(instruments.of("attempt log overload")).toBe(1);
  } finally {
    await edge.stop();
  }
});
