// From a request's path to the charge point's identity. Pure.

import { parseIdentity, type IdentityResult } from "@cpg/ocpp";

/** The segment after our path; undefined for a path that is not ours. `/ocpp` and `/ocpp/` have an empty one. */
export function segmentOf(path: string, base: string): string | undefined {
  if (path === base.slice(0, -1)) return "";
  if (!path.startsWith(base)) return undefined;
  const segment = path.slice(base.length);
  return segment.includes("/") ? undefined : segment;
}

/** The identity that a charge point may connect as, or why there is none. */
export function identityIn(segment: string): IdentityResult | typeof dotSegment {
  const parsed = parseIdentity(segment);
  return parsed.ok && (parsed.identity === "." || parsed.identity === "..") ? dotSegment : parsed;
}

// `.` and `..` lead elsewhere in every URL, escaped or not (RFC 3986 §5.2.4, WHATWG URL §4.4): in those of backends that
// name the identity, and in the management API's.
const dotSegment = { ok: false, fault: "dotSegment" } as const;
