// Every file that is made from this package's code. Pure.

import { backends } from "./grafana/backends.ts";
import { edge } from "./grafana/edge.ts";
import { fleet } from "./grafana/fleet.ts";
import { loadTest } from "./grafana/load-test.ts";
import { registry } from "./grafana/registry.ts";
import { dashboardFile } from "./grafana/render.ts";
import { alertFile, recordingFile } from "./rules/groups.ts";
import { windowsAt } from "./windows.ts";

/** Texts of files by their path below this package. Rules are at true scale. */
export function generatedFiles(): ReadonlyMap<string, string> {
  const windows = windowsAt(1);
  return new Map([
    ["prometheus/rules/recording.yml", recordingFile(windows)],
    ["prometheus/rules/alerts.yml", alertFile(windows)],
    ...[fleet, edge, registry, backends, loadTest].map(
      (spec) => [`grafana/${spec.uid}.json`, dashboardFile(spec)] as const,
    ),
  ]);
}
