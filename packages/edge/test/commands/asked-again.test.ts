// Questions and replies that the channel lost: asked again by the inbox, and done once (peer-link.ts P1, told-replies.ts).

import { RegistryError, type PeerMessage } from "@cpg/session-registry";
import { describe, expect, it } from "vitest";
import { defaultCommandLimits } from "../../src/commands/limits.ts";
import { createToldReplies, type Way } from "../../src/commands/told-replies.ts";
import { identityOf, settle, World, type Carry, type FakeEdge } from "./world.ts";

const { askAgainMs, graceMs, closeMs } = defaultCommandLimits;

interface Sent {
  readonly kind: PeerMessage["kind"];
  readonly way: Way;
}

/** Two edges; `loses`: what the channel swallows without a word. */
function overA(loses: (message: PeerMessage, nth: number) => boolean, limits = {}) {
  const world = new World();
  const [a, b] = [world.edge("a", limits), world.edge("b", limits)];
  const session = b.connect("CP1", "c1");
  world.register(b, session);
  const sent: Sent[] = [];
  const messages: PeerMessage[] = [];
  const carry: Carry = (message, _to, deliver, way) => {
    sent.push({ kind: message.kind, way });
    messages.push(message);
    if (way === "inbox" || !loses(message, sent.length)) deliver(5);
    return true;
  };
  world.carry = carry;
  return { world, a, b, session, sent, messages };
}

/** Redis does what it is asked at once, and its answer to a hand-over takes as long. */
function answersLate(world: World, { ownership }: FakeEdge, lateMs: number): void {
  const handOver = ownership.handOver.bind(ownership);
  ownership.handOver = async (...args) => {
    const handed = await handOver(...args);
    await new Promise<void>((resolve) => void world.time.after(lateMs, resolve));
    return handed;
  };
}

const question = (kind: PeerMessage["kind"]) => (message: PeerMessage) => message.kind === kind;

describe("a question that the channel lost", () => {
  it("is asked again by the inbox with the time that is left, and answered", async () => {
    const { world, a, b, session, sent, messages } = overA(question("command"));
    const ended = a.command("CP1", 10_000);
    await world.time.advance(askAgainMs + 20);
    expect(await ended).toMatchObject({ kind: "answered", ownership: "verified" });
    expect(sent).toEqual([
      { kind: "command", way: "channel" },
      { kind: "command", way: "inbox" },
      { kind: "reply", way: "channel" },
    ]);
    expect(messages[1]?.id).toBe(messages[0]?.id);
    expect(JSON.parse(messages[1]?.body ?? "")).toMatchObject({ budgetMs: 10_000 - askAgainMs });
    expect(session.calls).toMatchObject([{ timeoutMs: 10_000 - askAgainMs - 5 }]);
    expect([a.events, b.events]).toEqual([
      ["commandSent", "commandAskedAgain"],
      ["commandAccepted", "replySent"],
    ]);
    expect(world.time.timers).toBe(0);
  });

  it("acts once when it comes after all (R11)", async () => {
    const { world, a, b, session, messages } = overA(question("command"));
    const ended = a.command("CP1");
    await world.time.advance(askAgainMs + 20);
    expect(await ended).toMatchObject({ kind: "answered" });
    b.router.onPeerMessage(messages[0]!, askAgainMs + 30);
    await settle();
    expect(session.calls).toHaveLength(1);
    expect(b.events).toContain("commandRepeated");
  });

  it("may be a close", async () => {
    const { world, a, session } = overA(question("close"));
    const ended = a.router.close(identityOf("CP1"));
    await world.time.advance(askAgainMs + 20);
    expect(await ended).toEqual({ kind: "closed" });
    expect(session.closes).toEqual(["operator"]);
    expect(closeMs).toBeGreaterThan(askAgainMs);
  });

  it("is asked again as long after its owner is known, if Redis was late to tell that, with the time that is left", async () => {
    const { world, a, session, messages } = overA(question("command"));
    answersLate(world, a, askAgainMs + 100);
    const ended = a.command("CP1", 10_000);
    await world.time.advance(askAgainMs + 100 + askAgainMs + 20);
    expect(await ended).toMatchObject({ kind: "answered", ownership: "verified" });
    expect(JSON.parse(messages[1]?.body ?? "")).toMatchObject({ budgetMs: 10_000 - 2 * askAgainMs - 100 });
    expect(session.calls).toHaveLength(1);
    expect(world.time.timers).toBe(0);
  });

  it("is not asked again when it was answered before its owner was known", async () => {
    const { world, a, sent } = overA(() => false);
    answersLate(world, a, askAgainMs + 100);
    const ended = a.command("CP1");
    await world.time.advance(60_000);
    expect(await ended).toMatchObject({ kind: "answered" });
    expect(sent.map(({ kind }) => kind)).toEqual(["command", "reply"]);
    expect(world.time.timers).toBe(0);
  });

  it("is not asked again when nobody knows whom it reached", async () => {
    const { world, a, session, sent } = overA(() => true);
    a.ownership.handOver = () => new Promise(() => {});
    const ended = a.command("CP1", 2000);
    await world.time.advance(2000 + graceMs);
    expect(await ended).toEqual({ kind: "noAnswer", delivery: "unknown" });
    expect([sent, session.calls]).toEqual([[], []]);
  });

  it("is not asked again when it was answered in time, or has no more time", async () => {
    const { world, a, sent } = overA(() => false, { graceMs: 0 });
    const soon = a.command("CP1");
    await world.time.advance(10);
    expect(await soon).toMatchObject({ kind: "answered" });
    await world.time.advance(60_000);
    expect(sent).toHaveLength(2);
    world.carry = () => true;
    const short = a.command("CP1", askAgainMs);
    await world.time.advance(askAgainMs);
    expect(await short).toMatchObject({ kind: "noAnswer" });
    expect(a.events).not.toContain("commandAskedAgain");
  });

  const away = { retryable: true, isOutcomeUnknown: false };
  it.each([
    ["was not delivered, for certain", () => Promise.reject(new RegistryError("UNAVAILABLE", "away", away))],
    ["found its receiver dead", () => Promise.resolve(false)],
  ])("may be done though its first message %s: that is no end any more", async (_, itsEnd) => {
    const { world, a, session } = overA(() => false);
    a.connect("CP1", "c0"); // superseded, so the registry is asked first and the owner is known
    const { carry } = world;
    world.carry = async () => {
      world.carry = carry;
      await new Promise<void>((resolve) => void world.time.after(askAgainMs + 2, resolve));
      return itsEnd();
    };
    const ended = a.command("CP1", 10_000);
    await world.time.advance(askAgainMs + 20);
    expect(await ended).toMatchObject({ kind: "answered", edge: "b" });
    expect(session.calls).toHaveLength(1);
  });

  it("goes by the inbox from the first to an owner that was looked up: told, it could come late, or to the dead", async () => {
    const { world, a, sent } = overA(() => false);
    a.connect("CP1", "c0");
    const ended = a.command("CP1");
    await world.time.advance(20);
    expect(await ended).toMatchObject({ kind: "answered", edge: "b" });
    expect(sent[0]).toEqual({ kind: "command", way: "inbox" });
  });

  it("ends in time also when the inbox cannot be reached either", async () => {
    const { world, a } = overA(() => true);
    const { carry } = world;
    world.carry = (message, to, deliver, way) =>
      way === "inbox" ? Promise.reject(new Error("away")) : carry(message, to, deliver, way);
    const ended = a.command("CP1", 2000);
    await world.time.advance(2000 + graceMs);
    expect(await ended).toEqual({ kind: "noAnswer", delivery: "unknown" });
  });
});

describe("a reply that the channel lost", () => {
  it("is repeated by the inbox when it is asked for again; the charge point is not", async () => {
    const { world, a, session, sent } = overA(question("reply"));
    const ended = a.command("CP1");
    await world.time.advance(askAgainMs + 20);
    expect(await ended).toMatchObject({ kind: "answered", payload: { status: "Accepted" } });
    expect(session.calls).toHaveLength(1);
    expect(sent.slice(1)).toEqual([
      { kind: "reply", way: "channel" },
      { kind: "command", way: "inbox" },
      { kind: "reply", way: "inbox" },
    ]);
  });

  it("may be a refusal", async () => {
    const { world, a, b, sent } = overA(question("reply"));
    b.sessions.all.length = 0;
    const ended = a.command("CP1");
    await world.time.advance(askAgainMs + 20);
    expect(await ended).toEqual({ kind: "offline" });
    expect(sent.at(-1)).toEqual({ kind: "reply", way: "inbox" });
  });

  it("goes by the inbox from the first when the charge point took longer than the asking edge waited", async () => {
    const { world, a, session, sent } = overA(question("reply"));
    session.answer = () =>
      new Promise((resolve) => {
        world.time.after(3000, () => resolve({ kind: "answered", payload: {} }));
      });
    const ended = a.command("CP1");
    await world.time.advance(3100);
    expect(await ended).toMatchObject({ kind: "answered" });
    expect(session.calls).toHaveLength(1);
    expect(sent).toEqual([
      { kind: "command", way: "channel" },
      { kind: "command", way: "inbox" },
      { kind: "reply", way: "inbox" },
    ]);
  });

  it("that is not kept any more ends the command as 'unknown'", async () => {
    const { world, a, session } = overA(question("reply"), { maxToldUnits: 0 });
    const ended = a.command("CP1", 2000);
    await world.time.advance(2000 + graceMs);
    expect(await ended).toEqual({ kind: "noAnswer", delivery: "unknown" });
    expect(session.calls).toHaveLength(1);
  });
});

describe("the memory of replies", () => {
  const aMemory = () => createToldReplies({ keptMs: 1000, maxUnits: 10 });

  it("keeps them for a while and within its bound, the newest longest (R9)", () => {
    const told = aMemory();
    for (const [n, id] of ["a", "b", "c"].entries()) {
      told.begin(id);
      expect(told.end(id, "12345", n * 100)).toBe("channel");
    }
    expect(["a", "b", "c"].map((id) => told.again(id))).toEqual([undefined, "12345", "12345"]);
    told.begin("d");
    told.end("d", "1", 1150);
    expect(["b", "c", "d"].map((id) => told.again(id))).toEqual([undefined, "12345", "1"]);
  });

  it("knows nothing of what it never saw, also after being asked", () => {
    const told = aMemory();
    expect(told.again("x")).toBeUndefined();
    told.begin("x");
    expect(told.end("x", "1", 0)).toBe("channel");
  });

  it("sends what was asked for meanwhile by the inbox, and keeps nothing of it", () => {
    const told = aMemory();
    told.begin("x");
    expect(told.again("x")).toBeUndefined();
    expect(told.end("x", "1", 0)).toBe("inbox");
    expect(told.again("x")).toBeUndefined();
  });
});
