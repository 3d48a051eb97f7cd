// The OCPP versions this gateway speaks, and how each is named on the wire. Pure.

/** A version of OCPP-J. 2.0 (withdrawn) and 1.5 are not spoken. */
export type OcppVersion = "1.6" | "2.0.1" | "2.1";

/** Every version spoken, oldest first. */
export const ocppVersions: readonly OcppVersion[] = ["1.6", "2.0.1", "2.1"];
