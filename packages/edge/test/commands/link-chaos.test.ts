// Three edges over a link that loses, doubles, delays and lies about it, while charge points move between them.

import { RegistryError, type RegistryErrorCode } from "@cpg/session-registry";
import { describe, expect, it } from "vitest";
import { defaultCommandLimits } from "../../src/commands/limits.ts";
import { identityOf, World, type FakeEdge, type FakeSession } from "./world.ts";

const { graceMs } = defaultCommandLimits;

const failure = (code: RegistryErrorCode): RegistryError =>
  new RegistryError(code, code, { retryable: true });

describe("under loss, doubling, delay and moving charge points", () => {
  // A small generator, so that a failure can be repeated: the seed is in the test's name.
  const chance = (seed: number) => (): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };
  const nothingWasSent = new Set(["offline", "registryAway", "edgeBusy", "lineFull", "stopping"]);

  it.each([1, 2, 3, 4, 5])(
    "every command ends in time, acts at most once, and 'not sent' is true (seed %i)",
    async (seed) => {
      const next = chance(seed);
      const world = new World();
      const edges = ["a", "b", "c"].map((name) => world.edge(name, { maxPending: 40 }));
      const anyEdge = (): FakeEdge => edges.at(Math.floor(next() * edges.length))!;
      world.carry = (_message, _to, deliver) => {
        if (next() < 0.1) return Promise.reject(failure("CIRCUIT_OPEN"));
        if (next() < 0.03) return false;
        const isLost = next() < 0.15;
        if (!isLost) deliver(Math.floor(next() * 300));
        if (next() < 0.3) deliver(Math.floor(next() * 5000)); // a copy, some of them late
        return next() < 0.2 ? Promise.reject(failure("UNAVAILABLE")) : true;
      };
      const all: FakeSession[] = [];
      const move = (n: number): void => {
        const id = `CP${n}`;
        for (const edge of edges) {
          const at = edge.sessions.all.findIndex((session) => session.identity === id);
          if (at >= 0) edge.sessions.all.splice(at, 1);
        }
        const edge = anyEdge();
        const session = edge.connect(id, `c${all.length}`);
        session.answer = (call) =>
          new Promise((resolve) => {
            const delayMs = Math.floor(next() * call.timeoutMs * 1.2);
            const isAnswered = delayMs < call.timeoutMs;
            world.time.after(Math.min(delayMs, call.timeoutMs), () =>
              resolve(isAnswered ? { kind: "answered", payload: {} } : { kind: "timeout", delivery: "sent" }),
            );
          });
        all.push(session);
        if (next() < 0.9) world.register(edge, session, all.length);
      };
      for (let n = 0; n < 6; n += 1) move(n);

      let open = 0;
      const ends: { n: number; kind: string; delivery: string | undefined; tookMs: number }[] = [];
      for (let n = 0; n < 400; n += 1) {
        const edge = anyEdge();
        const beganAtMs = world.time.monotonicMs();
        open += 1;
        void edge.router
          .command({
            identity: identityOf(`CP${Math.floor(next() * 6)}`),
            action: "Reset",
            payloadJson: `${n}`,
            timeoutMs: 2000,
          })
          .then((outcome) => {
            open -= 1;
            const delivery = outcome.kind === "noAnswer" ? outcome.delivery : undefined;
            ends.push({ n, kind: outcome.kind, delivery, tookMs: world.time.monotonicMs() - beganAtMs });
          });
        if (next() < 0.15) move(Math.floor(next() * 6));
        if (next() < 0.05) for (const each of edges) each.isLeaseValid = next() < 0.7;
        await world.time.advance(Math.floor(next() * 40));
      }
      await world.time.advance(20_000);

      expect(open).toBe(0);
      expect(edges.map((edge) => [edge.router.pending, edge.router.pendingForPeers])).toEqual([
        [0, 0],
        [0, 0],
        [0, 0],
      ]);
      expect(Math.max(...ends.map((end) => end.tookMs))).toBeLessThanOrEqual(2000 + graceMs);
      const reached = all.flatMap((session) => session.calls.map((call) => Number(call.payloadJson)));
      expect(reached.length).toBe(new Set(reached).size); // R11
      const lies = ends.filter(
        (end) => (nothingWasSent.has(end.kind) || end.delivery === "notSent") && reached.includes(end.n),
      );
      expect(lies).toEqual([]);
      // The test would prove nothing if the link had not been bad and the commands not answered.
      const kinds = new Set(ends.map((end) => end.kind));
      expect([...kinds]).toEqual(expect.arrayContaining(["answered", "noAnswer", "registryAway"]));
      expect(edges.flatMap((edge) => edge.events)).toEqual(
        expect.arrayContaining(["commandAskedAgain", "commandRepeated", "replyLate", "relookup"]),
      );
    },
  );
});
