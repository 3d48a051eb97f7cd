// The files that settings name: whether they can be read, and what is wrong in them, all of it before anything is opened.

import { readFileSync } from "node:fs";
import type { GatewayConfig } from "@cpg/config";
import { defaultRoutes } from "./build-routes.ts";
import { readCredentialsFile } from "./credentials-file.ts";
import { readRoutes, type RoutePlan } from "./routes-file.ts";

/** The routes, or every mistake in every file: one line each, with the setting or the file's name. */
export type NamedFilesRead =
  | { readonly kind: "files"; readonly routes: readonly RoutePlan[] }
  | { readonly kind: "invalid"; readonly problems: readonly string[] };

/** Reads them. The credentials and TLS files are read again by those who use them: here only their mistakes count. */
export function readNamedFiles(config: Pick<GatewayConfig, "routes" | "auth" | "redis">): NamedFilesRead {
  const plan = readRoutesFile(config.routes.file);
  const credentials = config.auth.file === undefined ? undefined : readCredentialsFile(config.auth.file);
  const problems = [
    ...(plan.kind === "invalid" ? plan.problems : []),
    ...(credentials?.kind === "invalid" ? credentials.problems : []),
    ...tlsProblems(config.redis.tls),
  ];
  if (plan.kind === "invalid" || problems.length > 0) return { kind: "invalid", problems };
  return plan;
}

function readRoutesFile(file: string | undefined): NamedFilesRead {
  if (file === undefined) return { kind: "files", routes: defaultRoutes };
  const read = textOf("routes.file", file);
  if (read.kind === "invalid") return read;
  const routes = readRoutes(read.text);
  if (routes.kind === "plan") return { kind: "files", routes: routes.routes };
  return { kind: "invalid", problems: routes.problems.map((problem) => `${file}: ${problem}`) };
}

function tlsProblems(tls: GatewayConfig["redis"]["tls"]): readonly string[] {
  if (!tls.enabled) return [];
  const files = { caFile: tls.caFile, certFile: tls.certFile, keyFile: tls.keyFile };
  return Object.entries(files).flatMap(([setting, file]) => {
    const read = file === undefined ? undefined : textOf(`redis.tls.${setting}`, file);
    return read?.kind === "invalid" ? read.problems : [];
  });
}

function textOf(
  setting: string,
  file: string,
):
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "invalid"; readonly problems: readonly string[] } {
  try {
    return { kind: "text", text: readFileSync(file, "utf8") };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { kind: "invalid", problems: [`${setting}: cannot read ${file}: ${reason}`] };
  }
}
