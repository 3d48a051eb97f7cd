// How many charge points fit into the descriptors that this process may open. Pure, but for one reading of /proc.
//
// D1. An edge without a free descriptor refuses nobody: newcomers hang, and /healthz is reset, so that whoever looks at it kills a full edge.
//     So it lets in no more charge points than leave `kept`, and is full with them: the next one gets 503.
// D2. It is asked once, at the start, when Node has raised the soft limit to the hard one. Where nothing is known (no Linux, no limit) the
//     setting counts.

import { readFileSync } from "node:fs";
import { descriptorLimit } from "@cpg/telemetry";

/** Fewer charge points than were asked for. */
export interface TooFewDescriptors {
  /** So many are let in. */
  readonly maxConnections: number;
  /** One line for a person: both numbers, and what to set. */
  readonly says: string;
}

/** What the process may open; undefined where that is not known (D2). */
export function ownDescriptors(): number | undefined {
  try {
    return descriptorLimit(readFileSync("/proc/self/limits", "utf8"));
  } catch {
    return undefined;
  }
}

// What stays for everything else. A tenth, as listen.maxConnections is derived: 2,000 of 20,000 are 450 ended sockets (lingering.ts), 1,128
// connections to the API (limits.ts), and 422 for Redis, backends and the rest. Of few descriptors no less than 700: the process with a cluster of
// three masters, streams too (80), one backend (64), ended sockets (16), who waits for a slow hash (460: authentication.ts), and 80 for the API,
// scrapes, files and handshakes under way.
const keptOneOf = 10;
const keptAtLeast = 700;

/** Tells if they are too few for `maxConnections` charge points; undefined: they are enough, or not known (D2). */
export function tooFewDescriptors(
  maxConnections: number,
  descriptors: number | undefined,
): TooFewDescriptors | undefined {
  if (descriptors === undefined) return undefined;
  const kept = Math.max(keptAtLeast, Math.ceil(descriptors / keptOneOf));
  const fitting = Math.max(1, descriptors - kept); // 0 is no bound that the setting may have
  if (fitting >= maxConnections) return undefined;
  const needed = Math.max(
    maxConnections + keptAtLeast,
    Math.ceil((maxConnections * keptOneOf) / (keptOneOf - 1)),
  );
  const says =
    `listen.maxConnections is ${maxConnections}, but this process may open ${descriptors} descriptors, of which ${kept} stay for Redis, ` +
    `backends, the API and scrapes: it lets in ${fitting} charge points. Let it open ${needed} (LimitNOFILE= of the service, nofile in ` +
    `limits.d, --ulimit nofile= of the container: infra/host), or set listen.maxConnections to ${fitting}`;
  return { maxConnections: fitting, says };
}
