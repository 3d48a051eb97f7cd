import { RegistryError } from "@cpg/session-registry";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { problems } from "../../src/management/problems.ts";
import { ask, newToken, serve, type Answer, type Served } from "./served.ts";

const token = newToken();
let served: Served;
beforeEach(async () => {
  served = await serve({ token, maxBodyBytes: 1000 });
});
afterEach(() => served.management.stop(500));

type Request = { id?: string; query?: string; type?: string; body?: string; isAnonymous?: boolean };
/** One way to make an operation fail: what the router or the registry answers, and what is asked. */
type Failure = Request & { outcome?: object; error?: Error };

const command = '{"action":"Reset","payload":{}}';
const late = new RegistryError("TIMEOUT", "late", { retryable: true });
const badCursor = new RegistryError("INVALID", "cursor", { retryable: false });
const anonymous: Failure = { isAnonymous: true };
const ofIdentity: Failure[] = [anonymous, { id: "%zz" }, { id: "a%2Fb" }];
const ofBody: Failure[] = [{ body: "{" }, { body: " ".repeat(1001) }, { type: "text/plain" }];
const ofFind = ["offline", "registryAway"];
const ofClose = [...ofFind, "edgeBusy", "stopping", "noAnswer"];
const ends = (kinds: readonly string[]): Failure[] =>
  kinds.map((kind) => ({ outcome: { kind, retryAfterMs: 1, delivery: "notSent" } }));

const operations: [string, string, Failure[]][] = [
  ["get", "/v1/charge-points/{id}", [...ofIdentity, ...ends(ofFind)]],
  ["get", "/v1/charge-points", [anonymous, { query: "?limit=0" }, { error: badCursor }, { error: late }]],
  [
    "post",
    "/v1/charge-points/{id}/commands",
    [...ofIdentity, ...ofBody, ...ends([...ofClose, "lineFull", "leaving"])],
  ],
  ["delete", "/v1/charge-points/{id}/connection", [...ofIdentity, ...ofBody, ...ends(ofClose)]],
  ["get", "/v1/edges", [anonymous]],
];

function askFor(method: string, path: string, request: Request): Promise<Answer> {
  const { id = "CP1", query = "", type = "application/json", body = command, isAnonymous } = request;
  return ask(served, path.replace("{id}", id) + query, {
    method: method.toUpperCase(),
    headers: { "content-type": type, ...(isAnonymous ? {} : { authorization: `Bearer ${token}` }) },
    ...(method === "get" ? {} : { body }),
  });
}

async function problemOf(method: string, path: string, failure: Failure): Promise<string> {
  const { router, ownership } = served;
  for (const mock of Object.values(router)) mock.mockResolvedValue((failure.outcome ?? {}) as never);
  if (failure.error !== undefined) ownership.list.mockRejectedValue(failure.error);
  const { status, body } = await askFor(method, path, failure);
  return `${String(status)} ${String(body?.["type"]).replace("urn:cpg:problem:", "")}`;
}

type Document = {
  paths: Record<string, Record<string, { responses: Record<string, { description: string }> }>>;
};

async function documented(method: string, path: string): Promise<string[]> {
  const document = (await askFor("get", "/v1/openapi.json", {})).body as unknown as Document;
  const responses = document.paths[path]?.[method]?.responses ?? {};
  return Object.entries(responses).flatMap(([status, { description }]) =>
    [...description.matchAll(/([a-z-]+): /g)]
      .filter(([, name = ""]) => name in problems)
      .map(([, name]) => `${status} ${String(name)}`),
  );
}

describe("the document names every problem that an operation answers with, and no other", () => {
  it.each(operations)("%s %s", async (method, path, failures) => {
    const seen = new Set<string>();
    for (const failure of failures) seen.add(await problemOf(method, path, failure));
    expect((await documented(method, path)).sort()).toEqual([...seen].sort());
  });
});
