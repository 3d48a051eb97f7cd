// What a traced command leaves behind at both edges. The whole way over processes: ../e2e/tracing.test.ts.

import { describe, expect, it } from "vitest";
import type { FakeSpan } from "../support/fake-tracing.ts";
import { World, type Carry } from "./world.ts";

function twoEdges() {
  const world = new World();
  const [a, b] = [world.edge("a", {}), world.edge("b", {})];
  const session = b.connect("CP1", "c1");
  world.register(b, session);
  return { world, a, b, session };
}

/** The caller's span; the world's tracing keeps it first. */
function callers({ tracing }: World): FakeSpan {
  tracing.begin("caller", "server");
  const [span] = tracing.roots;
  if (span === undefined) throw new Error("no span");
  return span;
}

const told = (span: FakeSpan): string[] =>
  span.children.map(
    ({ name, ends }) => `${name}: ${ends.length === 1 ? (ends[0] ?? "well") : "not ended once"}`,
  );

describe("a traced command to another edge", () => {
  it("is gone on with there, below the question to that edge", async () => {
    const { world, a } = twoEdges();
    const span = callers(world);
    const ended = a.command("CP1", 10_000, span);
    await world.time.advance(5);
    expect((await ended).kind).toBe("answered");
    expect(told(span)).toEqual(["peer command: well"]);
    const [, peer] = world.tracing.roots;
    expect(peer?.attributes).toMatchObject({
      resumed: span.children[0]?.traceparent,
      "cpg.incarnation": "a#1",
    });
    expect([peer?.ends, peer && told(peer)]).toEqual([[undefined], ["OCPP Reset: well"]]);
    expect(span.ends).toEqual([]); // whoever began it ends it
  });

  it("says at both edges why it was refused, and each handing-on is a part of its own", async () => {
    const { world, a, b } = twoEdges();
    b.isLeaseValid = false;
    const span = callers(world);
    const ended = a.command("CP1", 10_000, span);
    await world.time.advance(5);
    expect((await ended).kind).toBe("registryAway");
    expect(told(span)).toEqual(["peer command: unverifiedOwner"]);
    expect(world.tracing.roots[1]?.ends).toEqual(["unverifiedOwner"]);
  });

  it("that nobody answers is ended at the caller's edge as silent", async () => {
    const { world, a } = twoEdges();
    const nothing: Carry = () => true;
    world.carry = nothing;
    const span = callers(world);
    const ended = a.command("CP1", 1_000, span);
    await world.time.advance(60_000);
    expect((await ended).kind).toBe("noAnswer");
    expect(told(span)).toEqual(["peer command: silent"]);
  });
});

it("a command that is not traced carries nothing of a trace", async () => {
  const { world, a } = twoEdges();
  const bodies: string[] = [];
  world.carry = (message, _to, deliver) => {
    bodies.push(message.body);
    deliver(0);
    return true;
  };
  world.tracing.isSampling = false; // begin throws
  const ended = a.command("CP1");
  await world.time.advance(5);
  expect((await ended).kind).toBe("answered");
  expect(bodies.join()).not.toContain("traceparent");
  expect(world.tracing.roots).toEqual([]);
});

it.each(["", "nonsense", "00-0-0-01", "x".repeat(100_000)])(
  "another edge's traceparent %# that is none costs no command",
  async (traceparent) => {
    const { world, a, session } = twoEdges();
    world.carry = (message, _to, deliver) => {
      if (message.kind === "command") {
        const body = { ...(JSON.parse(message.body) as object), traceparent };
        Object.assign(message, { body: JSON.stringify(body) });
      }
      deliver(0);
      return true;
    };
    const ended = a.command("CP1", 10_000, callers(world));
    await world.time.advance(5);
    expect((await ended).kind).toBe("answered");
    expect(session.calls).toHaveLength(1);
    expect(world.tracing.roots).toHaveLength(1); // the caller's
  },
);
