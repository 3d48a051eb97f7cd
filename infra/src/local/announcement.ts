// What `npm start` tells a person when everything runs. Pure.

import type { LocalPlan } from "./plan.ts";

/** What runs, where, what is unsafe about it, and what to try. `memoryReason`: why the registry is in memory, if unasked. */
export function announcement(plan: LocalPlan, memoryReason: string | undefined): string {
  const [first] = plan.edges;
  const last = plan.edges.at(-1);
  if (first === undefined || last === undefined) return "";
  const station = `ws://127.0.0.1:${first.listenPort}/ocpp/CP001`;
  const commands = `http://127.0.0.1:${last.managementPort}/v1/charge-points/CP001/commands`;
  return [
    "",
    ...plan.edges.map(
      (edge) =>
        `  ${edge.name}   charge points ws://127.0.0.1:${edge.listenPort}/ocpp/{identity}   ` +
        `API http://127.0.0.1:${edge.managementPort}/v1   metrics http://127.0.0.1:${edge.metricsPort}/metrics`,
    ),
    `  backend  http://127.0.0.1:${plan.backendPort}   (demo: answers every station, GET / counts)`,
    registryLine(plan, memoryReason),
    "",
    "  !! AUTHENTICATION IS OFF: any station is let in under any identity. For this machine only (all ports are on 127.0.0.1).",
    "",
    "  Try it. A station, in a second terminal:",
    `    node_modules/node/bin/node infra/dist/demo-station.js ${station}`,
    plan.edges.length > 1
      ? `  and a command to it, in a third, through the other edge (${last.name}):`
      : "  and a command to it, in a third:",
    `    curl -sS ${commands} -H 'content-type: application/json' \\`,
    `      -d '{"action":"RemoteStartTransaction","payload":{"idTag":"TAG1"}}'`,
    "",
    "  Ctrl-C ends everything. Logs follow.",
    "",
    "",
  ].join("\n");
}

function registryLine(plan: LocalPlan, memoryReason: string | undefined): string {
  if (plan.registry === "cluster") {
    const ports = `${plan.redisPorts[0]}–${plan.redisPorts.at(-1)}`;
    return `  Redis    127.0.0.1:${ports}, a cluster of 3 masters and 3 replicas`;
  }
  const reason = memoryReason === undefined ? "" : ` ${memoryReason}`;
  return `  Sessions are kept in the edge's memory: one edge, forgotten when it ends.${reason}`;
}
