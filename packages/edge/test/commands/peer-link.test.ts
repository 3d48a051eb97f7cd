// Two and three edges over an inbox link that does what links do.

import { RegistryError, type PeerMessage, type RegistryErrorCode } from "@cpg/session-registry";
import { describe, expect, it } from "vitest";
import { defaultCommandLimits, idRetentionMs } from "../../src/commands/limits.ts";
import { identityOf, settle, World, type Carry } from "./world.ts";

const { graceMs } = defaultCommandLimits;

function twoEdges(limits = {}) {
  const world = new World();
  const [a, b] = [world.edge("a", limits), world.edge("b", limits)];
  const session = b.connect("CP1", "c1");
  world.register(b, session);
  return { world, a, b, session };
}

const failure = (code: RegistryErrorCode): RegistryError =>
  new RegistryError(code, code, { retryable: true });

/** Treats commands specially, and delivers everything else. */
const onCommands =
  (carry: Carry): Carry =>
  (message, to, deliver, way) => {
    if (message.kind !== "reply") return carry(message, to, deliver, way);
    deliver(0);
    return true;
  };
const onReplies =
  (carry: Carry): Carry =>
  (message, to, deliver, way) => {
    if (message.kind === "reply") return carry(message, to, deliver, way);
    deliver(0);
    return true;
  };

describe("a command for a socket at another edge", () => {
  it("is answered by it, and the owner's name is told", async () => {
    const { world, a, b, session } = twoEdges();
    const ended = a.command("CP1");
    await world.time.advance(5);
    expect(await ended).toEqual({
      kind: "answered",
      payload: { status: "Accepted" },
      ownership: "verified",
      edge: "b",
    });
    expect(session.calls[0]).toMatchObject({ action: "Reset", payloadJson: '{"type":"Soft"}' });
    expect([a.events, b.events]).toEqual([["commandSent"], ["commandAccepted", "replySent"]]);
    expect(world.time.timers).toBe(0);
  });

  it.each([
    [
      { kind: "rejected", code: "X", description: "d", details: {} },
      { kind: "rejected", code: "X", edge: "b" },
    ],
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
  ] as const)("tells %o as %o: the owner knows more about the delivery", async (call, outcome) => {
    const { world, a, session } = twoEdges();
    session.answer = async () => call;
    const ended = a.command("CP1");
    await world.time.advance(5);
    expect(await ended).toMatchObject(outcome);
  });

  it("leaves the owner only the time that is left after the inbox", async () => {
    const { world, a, session } = twoEdges();
    world.carry = onCommands((_message, _to, deliver) => {
      deliver(400);
      return true;
    });
    const ended = a.command("CP1", 1000);
    await world.time.advance(500);
    expect(await ended).toMatchObject({ kind: "answered" });
    expect(session.calls[0]?.timeoutMs).toBe(600);
  });

  it("is not delivered after its time: the caller has given up, and the owner says so", async () => {
    const { world, a, b, session } = twoEdges();
    world.carry = onCommands((_message, _to, deliver) => {
      deliver(1000);
      return true;
    });
    const ended = a.command("CP1", 1000);
    await world.time.advance(1010);
    expect(await ended).toEqual({ kind: "noAnswer", delivery: "notSent" });
    expect(session.calls).toEqual([]);
    expect(b.events).toContain("commandExpired");
  });

  it("is not delivered by an owner whose lease has lapsed: a newer socket may be anywhere (R7)", async () => {
    const { world, a, b, session } = twoEdges();
    b.isLeaseValid = false;
    const ended = a.command("CP1");
    await world.time.advance(5);
    expect(await ended).toMatchObject({ kind: "registryAway" });
    expect(session.calls).toEqual([]);
  });

  it("goes to the newest socket of the owner, as unverified when the row named the one before", async () => {
    const { world, a, b, session } = twoEdges();
    const newer = b.connect("CP1", "c2");
    const ended = a.command("CP1");
    await world.time.advance(5);
    expect(await ended).toMatchObject({ kind: "answered", ownership: "unverified" });
    expect([session.calls.length, newer.calls.length]).toEqual([0, 1]);
  });

  it("follows the charge point once after 'not mine', with the wrong row purged (R5)", async () => {
    const { world, a, b } = twoEdges();
    const c = world.edge("c");
    b.sessions.all.length = 0;
    const moved = c.connect("CP1", "c2");
    a.ownership.purge = async (row) => {
      world.purged.push(row);
      world.register(c, moved, 2);
    };
    const ended = a.command("CP1");
    await world.time.advance(5);
    expect(await ended).toMatchObject({ kind: "answered", edge: "c" });
    expect(world.purged.map((row) => row.connection)).toEqual(["c1"]);
  });

  it("is offline after the second 'not mine', not a chase without end", async () => {
    const { world, a, b } = twoEdges();
    b.sessions.all.length = 0;
    a.ownership.purge = async () => {}; // the row does not go away
    const ended = a.command("CP1");
    await world.time.advance(5);
    expect(await ended).toEqual({ kind: "offline" });
    expect(b.events.filter((event) => event === "commandNotMine")).toHaveLength(2);
  });

  it("reaches the socket that came back to the same owner between the two handings-on", async () => {
    const { world, a, b } = twoEdges();
    b.sessions.all.length = 0;
    a.ownership.purge = async () => {
      world.register(b, b.connect("CP1", "c2"), 2);
    };
    const ended = a.command("CP1");
    await world.time.advance(5);
    expect(await ended).toMatchObject({ kind: "answered", ownership: "verified" });
  });

  it("follows the charge point when the owner's incarnation is dead", async () => {
    const { world, a, b } = twoEdges();
    const c = world.edge("c");
    const moved = c.connect("CP1", "c2");
    world.carry = (_message, to, deliver) => {
      if (to === b.incarnation) return false;
      deliver(0);
      return true;
    };
    a.ownership.purge = async () => void world.register(c, moved, 2);
    const ended = a.command("CP1");
    await world.time.advance(5);
    expect(await ended).toMatchObject({ kind: "answered", edge: "c" });
  });
});

describe("when the link fails", () => {
  it.each(["CIRCUIT_OPEN", "INBOX_FULL", "POOL_TIMEOUT", "POOL_EXHAUSTED", "REFUSED", "CLOSED"] as const)(
    "%s before the write means that nothing was sent: come again",
    async (code) => {
      const { world, a, session } = twoEdges();
      world.carry = () => Promise.reject(failure(code));
      expect(await a.command("CP1")).toMatchObject({ kind: "registryAway" });
      expect([session.calls, world.time.timers]).toEqual([[], 0]);
    },
  );

  it.each(["DEADLINE", "TIMEOUT", "UNAVAILABLE"] as const)(
    "%s leaves open whether it was written: it is waited for, never written again (R11)",
    async (code) => {
      const { world, a, session } = twoEdges();
      let writes = 0;
      world.carry = onCommands(() => {
        writes += 1;
        return Promise.reject(failure(code));
      });
      const ended = a.command("CP1", 2000);
      await world.time.advance(2000 + graceMs);
      expect(await ended).toEqual({ kind: "noAnswer", delivery: "unknown" });
      expect([writes, session.calls.length]).toEqual([1, 0]);
    },
  );

  it("a refusal after an attempt of unknown outcome does not claim that nothing was sent", async () => {
    const { world, a, session } = twoEdges();
    world.carry = onCommands((_message, _to, deliver) => {
      deliver(100);
      const options = { retryable: true, isOutcomeUnknown: true };
      return Promise.reject(new RegistryError("CIRCUIT_OPEN", "opened between two attempts", options));
    });
    const ended = a.command("CP1");
    await world.time.advance(105);
    expect(await ended).toMatchObject({ kind: "answered" });
    expect(session.calls).toHaveLength(1);
  });

  it("a write of unknown outcome that arrived is answered all the same", async () => {
    const { world, a } = twoEdges();
    world.carry = onCommands((_message, _to, deliver) => {
      deliver(0);
      return Promise.reject(failure("TIMEOUT"));
    });
    const ended = a.command("CP1");
    await world.time.advance(5);
    expect(await ended).toMatchObject({ kind: "answered" });
  });

  it("an answer that overtakes the write's own end counts", async () => {
    const { world, a } = twoEdges();
    world.carry = onCommands((_message, _to, deliver) => {
      deliver(0);
      return new Promise(() => {});
    });
    const ended = a.command("CP1");
    await world.time.advance(5);
    expect(await ended).toMatchObject({ kind: "answered" });
  });

  it("a lost reply ends as 'unknown' at the deadline and the grace, never later", async () => {
    const { world, a, b, session } = twoEdges();
    world.carry = onReplies(() => Promise.reject(failure("TIMEOUT")));
    const ended = a.command("CP1", 2000);
    let isEnded = false;
    void ended.then(() => (isEnded = true));
    await world.time.advance(2000 + graceMs - 1);
    expect(isEnded).toBe(false);
    await world.time.advance(1);
    expect(await ended).toEqual({ kind: "noAnswer", delivery: "unknown" });
    expect(session.calls).toHaveLength(1);
    expect(b.events).toContain("replyLost");
  });

  it("a reply that comes too late is counted and dropped", async () => {
    const { world, a } = twoEdges();
    world.carry = onReplies((_message, _to, deliver) => {
      deliver(60_000);
      return true;
    });
    const ended = a.command("CP1", 1000);
    await world.time.advance(1000 + graceMs);
    expect(await ended).toMatchObject({ kind: "noAnswer" });
    await world.time.advance(60_000);
    expect(a.events).toContain("replyLate");
  });

  it("a doubled command acts once, however late its copy comes (R11)", async () => {
    const { world, a, b, session } = twoEdges();
    const copies: PeerMessage[] = [];
    world.carry = onCommands((message, _to, deliver) => {
      copies.push(message);
      deliver(0);
      deliver(0);
      return true;
    });
    const ended = a.command("CP1");
    await world.time.advance(5);
    expect(await ended).toMatchObject({ kind: "answered" });
    expect(session.calls).toHaveLength(1);
    await world.time.advance(idRetentionMs(10_000) - 100);
    for (const copy of copies) b.router.onPeerMessage(copy, 0);
    expect(session.calls).toHaveLength(1);
    expect(b.events.filter((event) => event === "commandRepeated")).toHaveLength(2);
  });

  it("a command that was refused once never acts later: the caller was told that nothing was sent", async () => {
    const { world, a, b } = twoEdges();
    const copies: PeerMessage[] = [];
    world.carry = onCommands((message, _to, deliver) => {
      copies.push(message);
      deliver(0);
      return true;
    });
    b.sessions.all.length = 0;
    const ended = a.command("CP1");
    await world.time.advance(5);
    expect(await ended).toEqual({ kind: "offline" });
    const back = b.connect("CP1", "c2");
    for (const copy of copies) b.router.onPeerMessage(copy, 0);
    await settle();
    expect(back.calls).toEqual([]);
  });

  it("a doubled reply is harmless", async () => {
    const { world, a } = twoEdges();
    world.carry = onReplies((_message, _to, deliver) => {
      deliver(0);
      deliver(1);
      return true;
    });
    const ended = a.command("CP1");
    await world.time.advance(5);
    expect(await ended).toMatchObject({ kind: "answered" });
    expect(a.events).toContain("replyLate");
  });

  it("a body that is no command does nothing and is said so", async () => {
    const { world, a, b, session } = twoEdges();
    const handOver = a.ownership.handOver.bind(a.ownership);
    a.ownership.handOver = (keys, message, ...rest) => handOver(keys, { ...message, body: "{" }, ...rest);
    const ended = a.command("CP1");
    await world.time.advance(5);
    expect(await ended).toEqual({ kind: "noAnswer", delivery: "notSent" });
    expect([session.calls, b.events]).toEqual([[], ["malformed", "replySent"]]);
  });

  it("a reply without sense ends the command as 'unknown' at once", async () => {
    const { world, a, b } = twoEdges();
    const tell = b.ownership.tell.bind(b.ownership);
    b.ownership.tell = (to, reply, ...rest) => tell(to, { ...reply, body: "nonsense" }, ...rest);
    const ended = a.command("CP1");
    await world.time.advance(5);
    expect(await ended).toEqual({ kind: "noAnswer", delivery: "unknown" });
    expect(a.events).toContain("malformed");
  });

  it("stopping gives up on replies after the deadline, and knows nothing of the delivery", async () => {
    const { world, a, session } = twoEdges();
    session.answer = () => new Promise(() => {});
    const ended = a.command("CP1", 60_000);
    await world.time.advance(10);
    const stopped = a.router.stop(1000);
    await world.time.advance(1000);
    await stopped;
    expect(await ended).toEqual({ kind: "noAnswer", delivery: "unknown" });
  });
});

describe("the owner's bounds (R9)", () => {
  it("refuses a call for another edge beyond its bound, and says that nothing was sent", async () => {
    const world = new World();
    const [a, b] = [world.edge("a"), world.edge("b", { maxPending: 1 })];
    const session = b.connect("CP1", "c1");
    world.register(b, session);
    session.answer = () => new Promise(() => {});
    const first = a.command("CP1", 1000);
    await world.time.advance(5);
    expect(b.router.pendingForPeers).toBe(1);
    const second = a.command("CP1", 1000);
    await world.time.advance(5);
    expect(await second).toMatchObject({ kind: "edgeBusy" });
    await world.time.advance(1000 + graceMs);
    expect(await first).toEqual({ kind: "noAnswer", delivery: "unknown" });
    expect(b.router.pendingForPeers).toBe(0);
  });

  it("gives a message no more time than a command may have, so that no word of another edge fills the memory of ids for good", async () => {
    const world = new World();
    const [a, b] = [world.edge("a"), world.edge("b", { maxRememberedIds: 1 })];
    const session = b.connect("CP1", "c1");
    const { key, epoch } = world.register(b, session);
    const body = JSON.stringify({ action: "Reset", payload: "{}", budgetMs: 1e12 });
    const from = a.incarnation;
    b.router.onPeerMessage(
      { kind: "command", id: "x1", key, connection: session.connection, epoch, from, body },
      0,
    );
    await world.time.advance(idRetentionMs(defaultCommandLimits.maxTimeoutMs));
    const next = a.command("CP1", 1000);
    await world.time.advance(5);
    expect(await next).toMatchObject({ kind: "answered" });
  });

  it("does nothing, and claims nothing, for an id that it cannot remember", async () => {
    const world = new World();
    const [a, b] = [world.edge("a"), world.edge("b", { maxRememberedIds: 1 })];
    const session = b.connect("CP1", "c1");
    world.register(b, session);
    const first = a.command("CP1", 1000);
    await world.time.advance(5);
    expect(await first).toMatchObject({ kind: "answered" });
    const second = a.command("CP1", 1000);
    await world.time.advance(1000 + graceMs);
    expect(await second).toEqual({ kind: "noAnswer", delivery: "unknown" });
    expect(session.calls).toHaveLength(1);
    expect(b.events).toContain("commandDropped");
  });
});

describe("closing at another edge", () => {
  it("closes there and waits for the word of it, also when the owner's lease has lapsed", async () => {
    const { world, a, b, session } = twoEdges();
    b.isLeaseValid = false;
    const ended = a.router.close(identityOf("CP1"));
    await world.time.advance(5);
    expect(await ended).toEqual({ kind: "closed" });
    expect(session.closes).toEqual(["operator"]);
  });

  it("is offline when the owner does not hold it", async () => {
    const { world, a, b } = twoEdges();
    b.sessions.all.length = 0;
    const ended = a.router.close(identityOf("CP1"));
    await world.time.advance(5);
    expect(await ended).toEqual({ kind: "offline" });
  });

  it("closes nothing when it comes too late or twice", async () => {
    const { world, a, session } = twoEdges();
    world.carry = onCommands((_message, _to, deliver) => {
      deliver(defaultCommandLimits.closeMs);
      return true;
    });
    const late = a.router.close(identityOf("CP1"));
    await world.time.advance(defaultCommandLimits.closeMs + 10);
    expect(await late).toEqual({ kind: "noAnswer", delivery: "notSent" });
    expect(session.closes).toEqual([]);
    world.carry = onCommands((_message, _to, deliver) => {
      deliver(0);
      deliver(0);
      return true;
    });
    const twice = a.router.close(identityOf("CP1"));
    await world.time.advance(5);
    expect(await twice).toEqual({ kind: "closed" });
    expect(session.closes).toEqual(["operator"]);
  });
});
