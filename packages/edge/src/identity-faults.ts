// Why something is no identity, in sentences for a person. Pure.

import type { IdentityFault } from "@cpg/ocpp";

/** One sentence for each. */
export const identityFaults: Readonly<Record<IdentityFault, string>> = {
  empty: "The identity is empty.",
  badEscape:
    "The identity must be percent-encoded: every octet but visible ASCII as % and two hexadecimal digits.",
  slash: "An identity holds no slash, escaped or not.",
  nul: "An identity holds no NUL.",
  controlCharacter: "An identity holds no control characters.",
  tooLong: "An identity has at most 255 bytes of UTF-8.",
  notUtf8: "The identity's escapes are not UTF-8.",
};
