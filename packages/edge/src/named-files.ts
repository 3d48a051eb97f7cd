// The files that settings name, and the one of Node's variable for authorities: whether they can be read, what is wrong in them, and what of
// them the settings do not allow, all of it before anything is opened.

import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { settings, type GatewayConfig, type NamedFiles } from "@cpg/config";
import { defaultRoutes } from "./build-routes.ts";
import { readCredentialsFile } from "./credentials-file.ts";
import { readRoutes, type RoutePlan } from "./routes-file.ts";

/** The routes, or every mistake in every file: one line each, with the setting or the file's name. */
export type NamedFilesRead =
  | { readonly kind: "files"; readonly routes: readonly RoutePlan[] }
  | { readonly kind: "invalid"; readonly problems: readonly string[] };

/**
 * Reads them. The credentials and TLS files are read again by those who use them: here only their mistakes count. `extraCaFile` is what
 * NODE_EXTRA_CA_CERTS says.
 */
export function readNamedFiles(
  config: Pick<GatewayConfig, "routes" | "auth" | "redis" | "registry">,
  extraCaFile?: string,
): NamedFilesRead {
  const plan = readRoutesFile(config.routes.file);
  const problems = [
    ...(plan.kind === "invalid" ? plan.problems : streamProblems(plan.routes, config)),
    ...problemsBesideRoutes(config, extraCaFile),
  ];
  if (plan.kind === "invalid" || problems.length > 0) return { kind: "invalid", problems };
  return plan;
}

/** What is wrong in the files alone: while other settings are refused, what those would allow is not known. */
export function mistakesInFiles(files: NamedFiles, extraCaFile?: string): readonly string[] {
  const plan = readRoutesFile(files.routes.file);
  return [...(plan.kind === "invalid" ? plan.problems : []), ...problemsBesideRoutes(files, extraCaFile)];
}

function problemsBesideRoutes(
  { auth, redis }: Pick<NamedFiles, "auth" | "redis">,
  extraCaFile: string | undefined,
): readonly string[] {
  const credentials = auth.file === undefined ? undefined : readCredentialsFile(auth.file);
  return [
    ...(credentials?.kind === "invalid" ? credentials.problems : []),
    ...tlsProblems(redis.tls),
    ...extraCaProblems(extraCaFile),
  ];
}

// Node goes on without a file that it cannot use, and without a word if there is no certificate in it. Then each CALL to a backend behind
// such an authority fails, as one of its own certificates that nobody knows. An empty name is none to Node either.
function extraCaProblems(file: string | undefined): readonly string[] {
  if (file === undefined || file === "") return [];
  const found = textOf("NODE_EXTRA_CA_CERTS", file);
  if (found.kind === "invalid") return found.problems;
  const { says, read } = tlsParts.caFile;
  return problemOf(`NODE_EXTRA_CA_CERTS: cannot use ${file} as ${says}`, () => read(found.text));
}

function readRoutesFile(file: string | undefined): NamedFilesRead {
  if (file === undefined) return { kind: "files", routes: defaultRoutes };
  const read = textOf("routes.file", file);
  if (read.kind === "invalid") return read;
  const routes = readRoutes(read.text);
  if (routes.kind === "plan") return { kind: "files", routes: routes.routes };
  return { kind: "invalid", problems: routes.problems.map((problem) => `${file}: ${problem}`) };
}

// Who keeps sessions in memory has named no Redis, but redis.nodes has a default. A stream would be written to whatever runs there, a
// gateway beside this one perhaps, or to nothing, and each of its messages would fail at its deadline.
function streamProblems(
  routes: readonly RoutePlan[],
  { registry, redis, routes: { file } }: Pick<GatewayConfig, "routes" | "redis" | "registry">,
): readonly string[] {
  const keys = routes.filter(({ to }) => to.type === "stream").map(({ key }) => key);
  const isDefault = String(redis.nodes) === String(settings.redis.nodes.default);
  if (registry.kind !== "memory" || !isDefault || keys.length === 0) return [];
  return [
    `${file}: ${keys.join(", ")}: a stream is in Redis Cluster, but registry.kind is memory and redis.nodes has its default: name the cluster in redis.nodes (one node of it is enough; just the default is not taken for a name), use registry.kind cluster, or take another integration`,
  ];
}

// Asked before any connection: each of those would fail, and be tried again for ever. Of authorities that are none Node says nothing
// at all, and for an empty text it takes its own.
const tlsParts = {
  caFile: { says: "certificates in PEM", read: certificatesOf },
  certFile: { says: "certificates in PEM", read: certificatesOf },
  keyFile: { says: "a private key in PEM without a passphrase", read: createPrivateKey },
} as const;

function tlsProblems({ enabled, ...tls }: GatewayConfig["redis"]["tls"]): readonly string[] {
  if (!enabled) return [];
  const texts: Partial<Record<keyof typeof tlsParts, string>> = {};
  const problems = (["caFile", "certFile", "keyFile"] as const).flatMap((part) => {
    const file = tls[part];
    if (file === undefined) return [];
    const found = textOf(`redis.tls.${part}`, file);
    if (found.kind === "invalid") return found.problems;
    const { says, read } = tlsParts[part];
    texts[part] = found.text;
    return problemOf(`redis.tls.${part}: cannot use ${file} as ${says}`, () => read(found.text));
  });
  if (problems.length > 0) return problems;
  return problemOf("redis.tls.certFile, redis.tls.keyFile: cannot be used together", () =>
    createSecureContext({ cert: texts.certFile, key: texts.keyFile }),
  );
}

/** Each of them, or the first one's mistake: Node itself takes those that stand before it. */
function certificatesOf(text: string): readonly X509Certificate[] {
  const found = text.match(/-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^]*?(?=-----BEGIN |$)/g);
  return (found ?? [text]).map((one) => new X509Certificate(one));
}

function problemOf(says: string, attempt: () => unknown): readonly string[] {
  try {
    attempt();
    return [];
  } catch (error) {
    return [`${says}: ${reasonOf(error)}`];
  }
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
    return { kind: "invalid", problems: [`${setting}: cannot read ${file}: ${reasonOf(error)}`] };
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
