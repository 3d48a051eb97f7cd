// Identities whose session is taken over again and again: two charge points with one identity (a configuration that was copied), each of
// which throws the other out and comes back; or one behind a network that loses its connections without a word. No timers, no I/O.
//
// C1. Contested is an identity whose sessions at this edge were superseded `takeOvers` times within `withinMs`. It is told then, with the addresses of
//     those that were superseded, and once in `withinMs` for as long as it goes on: at level `info` nothing else names a charge point.
// C2. One take-over is an ordinary return over a new connection, and nothing is told of it.
// C3. Remembered are the last `generation` identities that were taken over, and up to as many before them. An outage of the network that supersedes a
//     whole fleet may so begin a count anew.
// C4. At most `maxTold` are told in `withinMs`, the others are only counted: where nobody is asked for a key, anybody can make up names.
// C5. Each edge sees what happened to its own sockets. Where a balancer spreads the two over many edges, each sees few of their take-overs.

import type { Identity, IdentityKey } from "@cpg/ocpp";
import type { Time } from "@cpg/session-registry";
import type { Meter } from "@cpg/telemetry";

/** The part of pino that is used. */
export interface ContestLogger {
  warn(fields: object, message: string): void;
}

/** A session that was superseded. */
export interface SupersededSession {
  readonly identity: Identity;
  readonly key: IdentityKey;
  readonly remote: string;
}

/** Those of one edge. */
export interface ContestedIdentities {
  /** The session of this charge point ended by a newer one, here or at another edge. */
  superseded(session: SupersededSession): void;
}

// A charge point that was thrown out comes back after 1 to 60 s, so two take over from each other ten times or more in ten minutes: three times at each of three edges.
const takeOvers = 3;
const withinMs = 600_000;
const maxTold = 20;
// About 400 bytes each: 1.6 MB of both generations at most (C3).
const generation = 2_048;

interface Contest {
  /** The last `takeOvers` of them, oldest first. */
  readonly endedAtMs: number[];
  /** As many addresses, oldest first. */
  readonly remotes: string[];
  toldAtMs: number;
}

/** Watches them, and has their number observed as `charge_points_contested`. */
export function watchContests(
  logger: ContestLogger,
  meter: Pick<Meter, "observe">,
  time: Pick<Time, "monotonicMs">,
): ContestedIdentities {
  // C3
  let young = new Map<IdentityKey, Contest>();
  let old = new Map<IdentityKey, Contest>();
  const contestOf = (key: IdentityKey): Contest => {
    const known = young.get(key);
    if (known !== undefined) return known;
    const contest = old.get(key) ?? { endedAtMs: [], remotes: [], toldAtMs: -withinMs };
    old.delete(key);
    if (young.size >= generation) [old, young] = [young, new Map()];
    young.set(key, contest);
    return contest;
  };
  let told = { sinceMs: 0, lines: 0 };
  const mayBeTold = (nowMs: number): boolean => {
    if (nowMs - told.sinceMs >= withinMs) told = { sinceMs: nowMs, lines: 0 };
    return (told.lines += 1) <= maxTold; // C4
  };
  const isContested = ({ endedAtMs: [oldest = 0, ...others] }: Contest): boolean =>
    others.length === takeOvers - 1 && time.monotonicMs() - oldest < withinMs;
  meter.observe("charge_points_contested", () => [
    { value: [...young.values(), ...old.values()].filter(isContested).length },
  ]);
  return {
    superseded({ identity, key, remote }) {
      const nowMs = time.monotonicMs();
      const contest = contestOf(key);
      contest.endedAtMs.push(nowMs);
      contest.remotes.push(remote);
      if (contest.endedAtMs.length > takeOvers) {
        contest.endedAtMs.shift();
        contest.remotes.shift();
      }
      if (!isContested(contest) || nowMs - contest.toldAtMs < withinMs) return;
      contest.toldAtMs = nowMs; // C1
      if (!mayBeTold(nowMs)) return;
      logger.warn(
        { identity, remotes: [...new Set(contest.remotes)], takeOvers, withinSeconds: withinMs / 1000 },
        "this identity is taken over again and again: two charge points with one identity, or connections that die unnoticed",
      );
    },
  };
}
