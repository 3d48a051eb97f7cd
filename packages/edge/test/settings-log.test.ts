// The line "settings" of the start, as the log writes it: secrets are masked twice, by @cpg/config and by the logger.

import { Writable } from "node:stream";
import { loadConfig } from "@cpg/config";
import { createLogger } from "@cpg/telemetry";
import { expect, test } from "vitest";

/** What an operator reads under `settings`. */
function logged(env: Readonly<Record<string, string>>): unknown {
  const loaded = loadConfig({ argv: ["--auth-mode=none"], env });
  if (loaded.kind !== "config") throw new Error(JSON.stringify(loaded));
  const texts: string[] = [];
  const destination = new Writable({
    write(chunk, _encoding, done) {
      texts.push(String(chunk));
      done();
    },
  });
  createLogger({ level: "info", serviceName: "gw", edge: "edge-a", destination }).info(
    { settings: loaded.masked },
    "settings",
  );
  const line: unknown = JSON.parse(texts.join(""));
  return line;
}

test("a secret that is given is masked; one that is not is not there: that is what one looks for", () => {
  const token = { CPG_MANAGEMENT_TOKEN: "0123456789abcdef" };
  const given = logged({ ...token, CPG_REDIS_PASSWORD: "hunter2" });
  expect(given).toMatchObject({
    settings: { management: { token: "[masked]" }, redis: { password: "[masked]" } },
  });
  expect(logged(token)).toMatchObject({ settings: { management: { token: "[masked]" } } });
  expect(logged(token)).not.toHaveProperty("settings.redis.password");
  expect(JSON.stringify(logged({}))).not.toContain("masked");
});
