import { RegistryError, type Incarnation } from "@cpg/session-registry";
import { describe, expect, it } from "vitest";
import { defaultCommandLimits } from "../../src/commands/limits.ts";
import type { CallOutcome } from "../../src/session-port.ts";
import { identityOf, settle, World } from "./world.ts";

const away = new RegistryError("CIRCUIT_OPEN", "circuit open", { retryable: true, retryAfterMs: 700 });
const never = (): Promise<never> => new Promise(() => {});

function oneEdge(limits = {}) {
  const world = new World();
  return { world, a: world.edge("a", limits) };
}

describe("a command for a socket at this edge", () => {
  it("is answered as verified when the registry names exactly this socket and the lease is valid", async () => {
    const { world, a } = oneEdge();
    const session = a.connect("CP1", "c1");
    world.register(a, session);
    expect(await a.command("CP1")).toEqual({
      kind: "answered",
      payload: { status: "Accepted" },
      ownership: "verified",
      edge: "a",
    });
    expect(session.calls).toEqual([{ action: "Reset", payloadJson: '{"type":"Soft"}', timeoutMs: 10_000 }]);
    expect(a.ended).toEqual(["answered"]);
  });

  it("goes to the newer of two, as after a change from 1.6 to 2.x, also while Redis is away", async () => {
    const { a } = oneEdge();
    const [old, newer] = [a.connect("UPG", "c1", "1.6"), a.connect("UPG", "c2", "2.0.1")];
    expect(old.key).not.toBe(newer.key);
    newer.authenticatedAtMs = 1;
    a.lookup = () => Promise.reject(away);
    expect(await a.command("UPG")).toMatchObject({ kind: "answered", ownership: "unverified" });
    expect([old.calls.length, newer.calls.length]).toEqual([0, 1]);
    [old.authenticatedAtMs, newer.authenticatedAtMs] = [2, 1];
    await a.command("UPG");
    expect([old.calls.length, newer.calls.length]).toEqual([1, 1]);
  });

  it("tells the charge point's CALLERROR", async () => {
    const { world, a } = oneEdge();
    const session = a.connect("CP1", "c1");
    world.register(a, session);
    session.answer = async () => ({
      kind: "rejected",
      code: "NotSupported",
      description: "no",
      details: { x: 1 },
    });
    expect(await a.command("CP1")).toMatchObject({
      kind: "rejected",
      code: "NotSupported",
      details: { x: 1 },
    });
  });

  it.each([
    [
      { kind: "timeout", delivery: "sent" },
      { kind: "noAnswer", delivery: "sent" },
    ],
    [
      { kind: "gone", delivery: "unknown" },
      { kind: "noAnswer", delivery: "unknown" },
    ],
    [
      { kind: "gone", delivery: "notSent" },
      { kind: "leaving", retryAfterMs: 2000 },
    ],
    [{ kind: "lineFull" }, { kind: "lineFull" }],
  ] as const)("tells %o as %o", async (call, outcome) => {
    const { world, a } = oneEdge();
    const session = a.connect("CP1", "c1");
    world.register(a, session);
    session.answer = async () => call;
    expect(await a.command("CP1")).toMatchObject(outcome);
  });

  it("goes to the newest socket when the row still names the one before, as unverified", async () => {
    const { world, a } = oneEdge();
    const old = a.connect("CP1", "c1");
    world.register(a, old);
    const newer = a.connect("CP1", "c2");
    expect(await a.command("CP1")).toMatchObject({ kind: "answered", ownership: "unverified" });
    expect(old.calls).toEqual([]);
    expect(newer.calls).toHaveLength(1);
  });

  it("is unverified when the lease has lapsed (R8)", async () => {
    const { world, a } = oneEdge();
    world.register(a, a.connect("CP1", "c1"));
    a.isLeaseValid = false;
    expect(await a.command("CP1")).toMatchObject({ kind: "answered", ownership: "unverified" });
  });

  it("is unverified when the registry cannot be asked, and still served (R8)", async () => {
    const { a } = oneEdge();
    a.connect("CP1", "c1");
    a.lookup = () => Promise.reject(away);
    expect(await a.command("CP1")).toMatchObject({ kind: "answered", ownership: "unverified" });
  });

  it("is unverified when the registry does not know the socket yet: its claim is owed", async () => {
    const { a } = oneEdge();
    a.connect("CP1", "c1").epoch = undefined;
    expect(await a.command("CP1")).toMatchObject({ kind: "answered", ownership: "unverified" });
  });

  it("reaches a socket whose row is of this edge's incarnation before, without a detour to itself", async () => {
    const { world, a } = oneEdge();
    const session = a.connect("CP1", "c1");
    world.rows.set(session.key, { ...world.register(a, session), incarnation: "a#0" as Incarnation });
    expect(await a.command("CP1")).toMatchObject({ kind: "answered", ownership: "unverified" });
    expect(a.events).toEqual([]);
  });

  it("finds a 2.x socket that is registered under the folded key", async () => {
    const { world, a } = oneEdge();
    world.register(a, a.connect("cp1", "c1", "2.0.1"));
    expect(await a.command("CP1")).toMatchObject({ kind: "answered" });
  });

  it("never goes to a 1.6 socket whose identity has other letters, whatever the registry says or cannot say", async () => {
    const { world, a } = oneEdge();
    const other = a.connect("cp1", "c1");
    expect(await a.command("CP1")).toEqual({ kind: "offline" });
    world.register(a, other);
    expect(await a.command("CP1")).toEqual({ kind: "offline" });
    a.connect("CP1", "c2");
    a.lookup = () => Promise.reject(away);
    expect(await a.command("CP1")).toMatchObject({ kind: "answered", ownership: "unverified" });
    expect(other.calls).toEqual([]);
  });

  it("does not go to a socket that was superseded elsewhere", async () => {
    const { world, a } = oneEdge();
    const b = world.edge("b");
    const old = a.connect("CP1", "c1");
    const newer = b.connect("CP1", "c2");
    world.register(b, newer, 2);
    const ended = a.command("CP1");
    await world.time.advance(10);
    expect(await ended).toMatchObject({ kind: "answered", edge: "b" });
    expect(old.calls).toEqual([]);
  });
});

describe("a command that reaches no socket", () => {
  it("is offline when nobody holds the identity", async () => {
    const { a } = oneEdge();
    expect(await a.command("CP1")).toEqual({ kind: "offline" });
  });

  it("is offline when the row names a socket of ours that is gone, and the row is purged (R5)", async () => {
    const { world, a } = oneEdge();
    const session = a.connect("CP1", "c1");
    world.register(a, session);
    a.sessions.all.length = 0;
    expect(await a.command("CP1")).toEqual({ kind: "offline" });
    expect(world.purged.map((row) => row.connection)).toEqual(["c1"]);
    expect(a.events).toEqual(["purged", "relookup"]);
  });

  it("says when to come again while the registry cannot be asked", async () => {
    const { a } = oneEdge();
    a.lookup = () => Promise.reject(away);
    expect(await a.command("CP1")).toEqual({ kind: "registryAway", retryAfterMs: 700 });
  });

  it("ends when the registry never does: nobody knows whether it handed the command over", async () => {
    const { world, a } = oneEdge();
    a.lookup = never;
    const ended = a.command("CP1", 3000);
    await world.time.advance(3000 + defaultCommandLimits.graceMs);
    expect(await ended).toEqual({ kind: "noAnswer", delivery: "unknown" });
    expect(world.time.timers).toBe(0);
  });

  it("ends when the registry throws at once, at its time limit: an error that is none of the registry's tells nothing", async () => {
    const { world, a } = oneEdge();
    a.lookup = () => {
      throw new TypeError("a bug");
    };
    const ended = a.command("CP1", 3000);
    await world.time.advance(3000 + defaultCommandLimits.graceMs);
    expect(await ended).toEqual({ kind: "noAnswer", delivery: "unknown" });
  });

  it("ends when a lookup for a socket that is here never does, or throws: the socket is served, unverified", async () => {
    for (const lookup of [
      never,
      () => {
        throw new TypeError("a bug");
      },
    ]) {
      const { world, a } = oneEdge();
      a.connect("CP1", "c1");
      a.lookup = lookup;
      const ended = a.command("CP1");
      await world.time.advance(defaultCommandLimits.lookupMs);
      expect(await ended).toMatchObject({ kind: "answered", ownership: "unverified" });
    }
  });

  it("leaves the socket half of a short time when the registry hangs (R8)", async () => {
    const { world, a } = oneEdge();
    const session = a.connect("CP1", "c1");
    a.lookup = never;
    const ended = a.command("CP1", 1000);
    await world.time.advance(500);
    expect(await ended).toMatchObject({ kind: "answered", ownership: "unverified" });
    expect(session.calls).toMatchObject([{ timeoutMs: 500 }]);
  });

  it("ends when the socket's own time limit fails", async () => {
    const { world, a } = oneEdge();
    const session = a.connect("CP1", "c1");
    world.register(a, session);
    session.answer = never;
    const ended = a.command("CP1", 3000);
    await world.time.advance(3000 + defaultCommandLimits.graceMs);
    expect(await ended).toEqual({ kind: "noAnswer", delivery: "unknown", ownership: "verified" });
    expect(world.time.timers).toBe(0);
  });

  it("survives a purge that fails", async () => {
    const { world, a } = oneEdge();
    world.register(a, a.connect("CP1", "c1"));
    a.sessions.all.length = 0;
    a.ownership.purge = () => Promise.reject(away);
    expect(await a.command("CP1")).toEqual({ kind: "offline" });
    expect(a.events).toContain("purgeFailed");
  });
});

describe("the bound of open commands", () => {
  it("refuses one more, at once, and takes one again when one has ended (R9)", async () => {
    const { world, a } = oneEdge({ maxPending: 2 });
    const session = a.connect("CP1", "c1");
    world.register(a, session);
    const answers: ((outcome: CallOutcome) => void)[] = [];
    session.answer = () => new Promise((resolve) => void answers.push(resolve));
    const first = a.command("CP1");
    const second = a.command("CP1");
    await settle();
    expect(a.router.pending).toBe(2);
    expect(await a.command("CP1")).toMatchObject({ kind: "edgeBusy" });
    answers[0]?.({ kind: "lineFull" });
    await first;
    const third = a.command("CP1");
    await settle();
    for (const answer of answers) answer({ kind: "lineFull" });
    await Promise.all([second, third]);
    expect(a.router.pending).toBe(0);
    expect(a.ended).toEqual(["edgeBusy", "lineFull", "lineFull", "lineFull"]);
  });

  it("refuses everything once it stops, and waits for what is open", async () => {
    const { world, a } = oneEdge();
    const session = a.connect("CP1", "c1");
    world.register(a, session);
    let answer: (outcome: CallOutcome) => void = () => {};
    session.answer = () => new Promise((resolve) => (answer = resolve));
    const open = a.command("CP1");
    await settle();
    let isStopped = false;
    const stopped = a.router.stop(5000).then(() => (isStopped = true));
    await settle();
    expect(await a.command("CP1")).toMatchObject({ kind: "stopping" });
    expect(isStopped).toBe(false);
    answer({ kind: "answered", payload: {} });
    expect(await open).toMatchObject({ kind: "answered" });
    await stopped;
  });
});

describe("close and find", () => {
  it("closes the own socket, also without the registry", async () => {
    const { a } = oneEdge();
    const session = a.connect("CP1", "c1");
    a.lookup = () => Promise.reject(away);
    expect(await a.router.close(identityOf("CP1"))).toEqual({ kind: "closed" });
    expect(session.closes).toEqual(["operator"]);
  });

  it("says offline, away and where", async () => {
    const { world, a } = oneEdge();
    const b = world.edge("b");
    expect(await a.router.close(identityOf("CP1"))).toEqual({ kind: "offline" });
    expect(await a.router.find(identityOf("CP1"))).toEqual({ kind: "offline" });
    const row = world.register(b, b.connect("CP1", "c1"));
    expect(await a.router.find(identityOf("CP1"))).toEqual({ kind: "there", row });
    expect(await b.router.find(identityOf("CP1"))).toMatchObject({ kind: "here", ownership: "verified" });
    a.lookup = () => Promise.reject(away);
    expect(await a.router.find(identityOf("CP1"))).toEqual({ kind: "registryAway", retryAfterMs: 700 });
    expect(await a.router.close(identityOf("CP1"))).toEqual({ kind: "registryAway", retryAfterMs: 700 });
  });
});
