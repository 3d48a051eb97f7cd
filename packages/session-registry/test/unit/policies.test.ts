import { describe, expect, it } from "vitest";
import { RegistryError, type RegistryErrorCode } from "../../src/errors.ts";
import { ShardCircuit, withBreaker, withCircuitGate } from "../../src/policy/breaker.ts";
import type { Call, Invoke } from "../../src/policy/call.ts";
import { withDeadline } from "../../src/policy/deadline.ts";
import { Slots, withPool } from "../../src/policy/pool.ts";
import { backoffMs, mayRetry, withRetry } from "../../src/policy/retry.ts";
import { ProcessTime, VirtualClock } from "../virtual-time.ts";

const failure = (code: RegistryErrorCode, retryable = true): RegistryError =>
  new RegistryError(code, code, { retryable });
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** All policies in the order of lanes.ts, over attempts that the test ends by hand. */
function stack(changes: { permits?: number; maxWaiters?: number; minimumCalls?: number } = {}) {
  const clock = new VirtualClock();
  const time = new ProcessTime(clock, 0);
  const attempts: { resolve: (value: string) => void; reject: (error: Error) => void }[] = [];
  const refused: string[] = [];
  const slots = new Slots(
    { permits: changes.permits ?? 1, maxWaiters: changes.maxWaiters ?? 1, acquireTimeoutMs: 500 },
    time,
    (code) => refused.push(code),
  );
  const breaker = {
    errorThresholdPercent: 50,
    minimumCalls: changes.minimumCalls ?? 2,
    windowMs: 5000,
    resetMs: 30,
  };
  const circuit = new ShardCircuit("shard", breaker, time);
  const retries: string[] = [];
  const retry = withRetry(
    { baseMs: 100, maxMs: 400 },
    { time, random: { next: () => 0.5 }, onRetry: (code) => retries.push(code) },
  );
  const run: Invoke = (call) => call.run("shard");
  const onAttempts = withCircuitGate(() => circuit)(withPool(() => slots)(withBreaker(() => circuit)(run)));
  const call: Call<string> = {
    operation: "claim",
    shard: () => "shard",
    deadlineAtMs: 2000,
    run: () => new Promise((resolve, reject) => attempts.push({ resolve, reject })),
  };
  return {
    attempts,
    refused,
    retries,
    slots,
    circuit,
    once: () => onAttempts(call),
    whole: () => withDeadline(time)(retry(onAttempts))(call),
    advance: (ms: number) => clock.advance(ms, settle),
    /** Real time: opossum has its own clock. */
    async openCircuit(): Promise<void> {
      for (let i = 0; i < 2; i++) {
        const failed = expect(onAttempts(call)).rejects.toMatchObject({ code: "TIMEOUT" });
        attempts.shift()?.reject(failure("TIMEOUT"));
        await failed;
      }
      expect(circuit.isOpen).toBe(true);
    },
  };
}

describe("what happens to a call, by what its shard's pool and circuit are (DESIGN §4)", () => {
  it("closed, a permit free: it is sent at once", async () => {
    const s = stack();
    const reply = s.once();
    expect(s.attempts).toHaveLength(1);
    s.attempts[0]!.resolve("ok");
    expect(await reply).toBe("ok");
    expect(s.slots.inUse).toBe(0);
  });

  it("closed, no permit: it waits its turn, and has it when one comes back", async () => {
    const s = stack();
    const [first, second] = [s.once(), s.once()];
    expect([s.attempts.length, s.slots.waiting]).toEqual([1, 1]);
    s.attempts[0]!.resolve("first");
    expect(await first).toBe("first");
    await settle();
    s.attempts[1]!.resolve("second");
    expect(await second).toBe("second");
  });

  it("closed, no permit within acquireTimeoutMs: POOL_TIMEOUT, nothing sent, outcome known", async () => {
    const s = stack();
    void s.once();
    const refused = expect(s.once()).rejects.toMatchObject({ code: "POOL_TIMEOUT", isOutcomeUnknown: false });
    await s.advance(500);
    await refused;
    expect(s.attempts).toHaveLength(1);
    expect(s.refused).toEqual(["POOL_TIMEOUT"]);
  });

  it("closed, the line full: POOL_EXHAUSTED at once, with a time to come back", async () => {
    const s = stack();
    void s.once();
    void s.once().catch(() => undefined);
    await expect(s.once()).rejects.toMatchObject({ code: "POOL_EXHAUSTED", retryAfterMs: 500 });
  });

  it("closed, and our own pool refuses however often: the circuit stays closed (B1)", async () => {
    const s = stack({ maxWaiters: 0, minimumCalls: 1 });
    void s.once();
    for (let i = 0; i < 50; i++) await expect(s.once()).rejects.toMatchObject({ code: "POOL_EXHAUSTED" });
    expect(s.circuit.isOpen).toBe(false);
  });

  it.each([
    ["TIMEOUT", true],
    ["UNAVAILABLE", true],
    ["REFUSED", false],
    ["INVALID", false],
    ["CLOSED", false],
  ] as const)("closed, calls that fail with %s: it opens: %s (B1)", async (code, opens) => {
    const s = stack();
    for (let i = 0; i < 4 && !s.circuit.isOpen; i++) {
      const failed = expect(s.once()).rejects.toMatchObject({ code });
      s.attempts.pop()!.reject(failure(code, false));
      await failed;
    }
    expect(s.circuit.isOpen).toBe(opens);
  });

  it("open: CIRCUIT_OPEN before it queues, whatever the pool is, with the time to the next try (B2)", async () => {
    const s = stack({ permits: 1, maxWaiters: 0 });
    void s.once().catch(() => undefined); // holds the only permit
    s.attempts.splice(0);
    const other = stack();
    await other.openCircuit();
    await expect(other.once()).rejects.toMatchObject({ code: "CIRCUIT_OPEN", retryable: true });
    await expect(other.once()).rejects.toSatisfy((e: RegistryError) => (e.retryAfterMs ?? 0) > 0);
    expect([other.slots.inUse, other.slots.waiting]).toEqual([0, 0]);
  });

  it("half-open: one call tries, the others are refused before they queue; its success closes, its failure opens", async () => {
    const s = stack({ permits: 4 });
    for (const end of ["failure", "success"] as const) {
      if (end === "failure") await s.openCircuit();
      await new Promise((resolve) => setTimeout(resolve, 45)); // opossum's own timer: resetMs
      const probe = s.once();
      await settle();
      expect(s.attempts).toHaveLength(1);
      await expect(s.once()).rejects.toMatchObject({ code: "CIRCUIT_OPEN" });
      expect([s.slots.inUse, s.slots.waiting]).toEqual([1, 0]);
      if (end === "failure") {
        s.attempts.shift()!.reject(failure("TIMEOUT"));
        await expect(probe).rejects.toMatchObject({ code: "TIMEOUT" });
        expect(s.circuit.isOpen).toBe(true);
      } else {
        s.attempts.shift()!.resolve("ok");
        await probe;
        expect(s.circuit.state).toBe(0);
      }
    }
  });

  it("a permit comes back when the attempt settles, not when its caller gives up (L1)", async () => {
    const s = stack();
    const gaveUp = expect(s.whole()).rejects.toMatchObject({ code: "DEADLINE", isOutcomeUnknown: true });
    await s.advance(2000);
    await gaveUp;
    expect(s.slots.inUse).toBe(1);
    s.attempts[0]!.reject(failure("TIMEOUT"));
    await settle();
    expect(s.slots.inUse).toBe(0);
  });

  it("retries what may succeed, after a full-jitter pause that doubles, and counts it (T2)", async () => {
    const s = stack({ minimumCalls: 100 });
    const reply = s.whole();
    s.attempts[0]!.reject(failure("UNAVAILABLE"));
    await s.advance(49);
    expect(s.attempts).toHaveLength(1);
    await s.advance(1);
    s.attempts[1]!.reject(failure("UNAVAILABLE"));
    await s.advance(100);
    s.attempts[2]!.resolve("ok");
    expect(await reply).toBe("ok");
    expect(s.retries).toEqual(["UNAVAILABLE", "UNAVAILABLE"]);
    expect([0, 1, 2, 3, 50].map((n) => backoffMs({ baseMs: 100, maxMs: 400 }, n, 0.5))).toEqual([
      50, 100, 200, 200, 200,
    ]);
  });

  it("never begins a wait that would end after the deadline (T3)", async () => {
    const s = stack({ minimumCalls: 100 });
    const reply = expect(s.whole()).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await s.advance(1960);
    s.attempts[0]!.reject(failure("UNAVAILABLE"));
    await reply;
    expect(s.retries).toEqual([]);
  });

  it("has an answer for a call without time: DEADLINE, nothing sent", async () => {
    const clock = new VirtualClock();
    const time = new ProcessTime(clock, 0);
    for (const deadlineAtMs of [0, -1, Number.NaN]) {
      const call = { operation: "x", deadlineAtMs, shard: () => "s", run: () => Promise.resolve("sent") };
      const invoke: Invoke = (c) => c.run("s");
      await expect(withDeadline(time)(invoke)(call)).rejects.toMatchObject({ code: "DEADLINE" });
    }
  });

  it.each<[RegistryErrorCode, boolean, boolean]>([
    ["POOL_TIMEOUT", true, true],
    ["POOL_EXHAUSTED", true, true],
    ["TIMEOUT", true, true],
    ["UNAVAILABLE", true, true],
    ["INBOX_FULL", true, true],
    ["REFUSED", true, true], // OOM
    ["CIRCUIT_OPEN", true, false], // it becomes owed
    ["DEADLINE", true, false],
    ["REFUSED", false, false],
    ["INVALID", false, false],
    ["CLOSED", false, false],
  ])("%s (retryable: %s) is tried again: %s (T1)", (code, retryable, again) => {
    expect(mayRetry(failure(code, retryable))).toBe(again);
  });

  it.each<[RegistryErrorCode, boolean, boolean]>([
    ["TIMEOUT", true, false],
    ["UNAVAILABLE", true, false],
    ["UNAVAILABLE", false, true],
    ["POOL_TIMEOUT", false, true],
    ["POOL_TIMEOUT", true, false],
  ])("%s, unknown outcome: %s, of what must not be carried out twice is tried again: %s (T4)", (...row) => {
    const [code, isOutcomeUnknown, again] = row;
    const error = new RegistryError(code, code, { retryable: true, isOutcomeUnknown });
    expect([mayRetry(error, true), mayRetry(error)]).toEqual([again, true]);
  });

  it("never tries a stranger's error again", () => {
    expect(mayRetry(new Error("who knows"))).toBe(false);
  });
});
