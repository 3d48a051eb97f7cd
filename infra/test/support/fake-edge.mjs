// Stands in for packages/edge/dist/main.js: its ports, its readiness, its drain, its log. FAKE_EDGE_… tell it to misbehave.
import { createServer } from "node:http";
import { parseArgs } from "node:util";

const names = [
  "edge-name",
  "edge-environment",
  "listen-host",
  "listen-port",
  "management-port",
  "metrics-port",
];
const more = ["redis-nodes", "registry-kind", "auth-mode", "routes-file"];
const options = Object.fromEntries([...names, ...more].map((name) => [name, { type: "string" }]));
const { values } = parseArgs({ options });
const log = (level, msg, fields) =>
  console.log(JSON.stringify({ level, time: Date.now(), pid: process.pid, ...fields, msg }));

if (process.env.FAKE_EDGE_FAILS === values["edge-name"]) {
  log(60, "the settings are wrong", { setting: "listen.port" });
  process.exit(3);
}

for (const name of ["listen-port", "management-port", "metrics-port"]) {
  createServer((request, response) => response.end(JSON.stringify(values))).listen(values[name], "127.0.0.1");
}
log(30, "listening", { port: Number(values["listen-port"]) });

process.on("SIGTERM", () => {
  log(30, "draining");
  if (process.env.FAKE_EDGE_HANGS !== values["edge-name"]) process.exit(0);
});
