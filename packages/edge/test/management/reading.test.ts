import { RegistryError, type ConnectionId, type Incarnation, type SessionRow } from "@cpg/session-registry";
import { identityKey } from "@cpg/ocpp";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CloseOutcome } from "../../src/commands/outcomes.ts";
import { FakeSession, identityOf } from "../commands/world.ts";
import { ask, goodFacts, healthy, serve, type Served } from "./served.ts";

let served: Served;
beforeEach(async () => {
  served = await serve();
});
afterEach(() => served.management.stop(1000));

const row: SessionRow = {
  identity: identityOf("CP 1"),
  key: identityKey(identityOf("CP 1"), "1.6"),
  version: "1.6",
  remote: "192.0.2.1",
  edge: "edge-b",
  incarnation: "i1" as Incarnation,
  connection: "c1" as ConnectionId,
  epoch: 1_763_857_203_000_001,
  stampUs: 1_763_857_203_000_000,
};
const rowAsJson = {
  id: "CP 1",
  version: "1.6",
  edge: "edge-b",
  connection: "c1",
  epoch: 1_763_857_203_000_001,
  connectedAt: "2025-11-23T00:20:03.000Z",
  remote: "192.0.2.1",
  ownership: "verified",
};

describe("GET /v1/charge-points/{id}", () => {
  it("tells the registry's row of a charge point at another edge", async () => {
    served.router.find.mockResolvedValue({ kind: "there", row });
    expect(await ask(served, "/v1/charge-points/CP%201")).toMatchObject({ status: 200, body: rowAsJson });
    expect(served.router.find).toHaveBeenCalledWith("CP 1");
  });

  it("tells an own socket that is not registered yet, without an epoch", async () => {
    const session = new FakeSession("CP1", "c9");
    session.epoch = undefined;
    served.router.find.mockResolvedValue({ kind: "here", session, ownership: "unverified" });
    const { status, body } = await ask(served, "/v1/charge-points/CP1");
    expect([status, body]).toEqual([
      200,
      {
        id: "CP1",
        version: "1.6",
        edge: "edge-a",
        connection: "c9",
        connectedAt: "1970-01-01T00:00:00.000Z",
        remote: "192.0.2.1",
        ownership: "unverified",
      },
    ]);
  });

  it("is 404 when nobody holds it and 503 when nobody knows", async () => {
    expect((await ask(served, "/v1/charge-points/CP1")).status).toBe(404);
    served.router.find.mockResolvedValue({ kind: "registryAway", retryAfterMs: 1500 });
    const answer = await ask(served, "/v1/charge-points/CP1");
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "2"]);
  });
});

describe("GET /v1/charge-points", () => {
  it("hands limit and cursor to the registry and gives its page", async () => {
    served.ownership.list.mockResolvedValue({ sessions: [row], cursor: "next" });
    const answer = await ask(served, "/v1/charge-points?limit=7&cursor=abc");
    expect(answer).toMatchObject({ status: 200, body: { chargePoints: [rowAsJson], cursor: "next" } });
    expect(served.ownership.list).toHaveBeenCalledWith(7, "abc");
  });

  it("gives 100 from the beginning when nothing is said, and no cursor on the last page", async () => {
    expect((await ask(served, "/v1/charge-points")).body).toEqual({ chargePoints: [] });
    expect(served.ownership.list).toHaveBeenCalledWith(100, undefined);
  });

  it.each([
    "limit=0",
    "limit=1001",
    "limit=-1",
    "limit=x",
    "limit=1.5",
    "limit=1e2",
    "limit=true",
    "limit=",
    "cursor=",
    "limt=5",
    "limit=1&limit=2",
  ])("refuses ?%s", async (query) => {
    const answer = await ask(served, `/v1/charge-points?${query}`);
    expect(answer).toMatchObject({ status: 400, body: { type: "urn:cpg:problem:invalid-request" } });
    expect(served.ownership.list).not.toHaveBeenCalled();
  });

  it("says that a cursor is bad, that the registry is away, or that the gateway is at fault", async () => {
    served.ownership.list.mockRejectedValueOnce(new RegistryError("INVALID", "cursor", { retryable: false }));
    expect(await ask(served, "/v1/charge-points?cursor=zz")).toMatchObject({
      status: 400,
      body: { type: "urn:cpg:problem:invalid-cursor" },
    });
    served.ownership.list.mockRejectedValueOnce(new RegistryError("TIMEOUT", "late", { retryable: true }));
    expect(await ask(served, "/v1/charge-points")).toMatchObject({ status: 503 });
    served.ownership.list.mockRejectedValueOnce(new TypeError("a bug"));
    expect(await ask(served, "/v1/charge-points")).toMatchObject({ status: 500 });
  });
});

describe("DELETE /v1/charge-points/{id}/connection", () => {
  const path = "/v1/charge-points/CP1/connection";

  it("is 204 without a body when it was closed", async () => {
    const response = await fetch(`${served.base}${path}`, { method: "DELETE" });
    expect([response.status, await response.text()]).toEqual([204, ""]);
    expect(served.router.close).toHaveBeenCalledWith("CP1");
  });

  it("takes a request that has a content type and nothing in it, as some clients send", async () => {
    const headers = { "content-type": "application/json" };
    expect((await fetch(`${served.base}${path}`, { method: "DELETE", headers })).status).toBe(204);
  });

  it.each<[CloseOutcome, number]>([
    [{ kind: "offline" }, 404],
    [{ kind: "noAnswer", delivery: "unknown" }, 504],
    [{ kind: "registryAway", retryAfterMs: 1 }, 503],
    [{ kind: "edgeBusy", retryAfterMs: 1 }, 429],
    [{ kind: "stopping", retryAfterMs: 1 }, 503],
  ])("answers %o with %i", async (outcome, status) => {
    served.router.close.mockResolvedValue(outcome);
    expect((await ask(served, path, { method: "DELETE" })).status).toBe(status);
  });
});

describe("GET /v1/edges", () => {
  it("lists the edges as their leases tell them", async () => {
    served.ownership.edges.mockReturnValue([
      { edge: "edge-b", incarnation: "i1" as Incarnation, sessions: 5, isDraining: true, leaseAgeMs: 900.4 },
    ]);
    expect((await ask(served, "/v1/edges")).body).toEqual({
      edge: "edge-a",
      edges: [{ name: "edge-b", incarnation: "i1", sessions: 5, draining: true, leaseAgeMs: 900 }],
    });
  });
});

describe("/healthz and /readyz", () => {
  it("says that the event loop is alive even when the edge is not ready", async () => {
    served.facts.now = { ...goodFacts, isDraining: true };
    expect(await ask(served, "/healthz")).toMatchObject({
      status: 200,
      body: { status: "alive", uptimeSeconds: expect.any(Number) },
    });
  });

  it("is ready with 200, and with 503 tells every reason", async () => {
    expect(await ask(served, "/readyz")).toMatchObject({ status: 200, body: { ready: true, problems: [] } });
    const ownership = { ...healthy, isLeaseValid: false, problems: ["Redis was not heard of for 9 s."] };
    served.facts.now = { ...goodFacts, ownership, isDraining: true };
    const { status, body } = await ask(served, "/readyz");
    expect(status).toBe(503);
    expect(body).toMatchObject({
      ready: false,
      problems: [{ code: "registry", detail: "Redis was not heard of for 9 s." }, { code: "draining" }],
      sessions: 3,
      maxSessions: 10,
      registry: { leaseValid: false, owed: 0, openCircuits: [] },
    });
  });

  it("tells ages in whole milliseconds, and null where there is none: JSON has no Infinity", async () => {
    const ownership = { ...healthy, leaseAgeMs: 1568.026299, lastHeardMs: Number.POSITIVE_INFINITY };
    served.facts.now = { ...goodFacts, ownership };
    expect((await ask(served, "/readyz")).body).toMatchObject({
      registry: { leaseAgeMs: 1568, lastHeardMs: null },
    });
    const document = JSON.stringify((await ask(served, "/v1/openapi.json")).body);
    expect(document).toContain('"lastHeardMs":{"anyOf":[{"type":"integer"},{"type":"null"}]');
  });
});
