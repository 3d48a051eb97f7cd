// WebSocket subprotocols: OCPP's version negotiation. Pure.
// S1. The station's order of preference wins (OCPP-J 1.6 §3.1.3, 2.0.1 §3.1.3, 2.1 §3.1.2).
// S2. Names are compared exactly (RFC 6455 §4.2.2): `OCPP1.6` is no subprotocol of ours.

import { ocppVersions, type OcppVersion } from "./version.ts";

const names: Readonly<Record<OcppVersion, string>> = {
  "1.6": "ocpp1.6",
  "2.0.1": "ocpp2.0.1",
  "2.1": "ocpp2.1",
};

const versionsByName: ReadonlyMap<string, OcppVersion> = new Map(
  ocppVersions.map((version) => [names[version], version]),
);

/** The name in `Sec-WebSocket-Protocol` (OCPP-J table 1, registered with IANA). */
export function subprotocolOf(version: OcppVersion): string {
  return names[version];
}

/**
 * Chooses a version from the request's `Sec-WebSocket-Protocol` (several headers joined by commas, as HTTP says).
 * An identity that 2.x does not allow can have 1.6 only. `undefined`: nothing in common, refuse the upgrade.
 */
export function negotiate(
  offered: string | undefined,
  supported: readonly OcppVersion[],
  validFor2x: boolean,
): OcppVersion | undefined {
  if (offered === undefined) return undefined;
  for (const name of offered.split(",")) {
    const version = versionsByName.get(name.trim());
    if (version === undefined || !supported.includes(version)) continue; // S1: the next preference
    if (version === "1.6" || validFor2x) return version;
  }
  return undefined;
}
