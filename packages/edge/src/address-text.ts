// The address of a peer as people write it. Pure.

/**
 * `bytes`: 4 or 16 of them, in network order. IPv4 in dots, also where a socket of both families shows it mapped into IPv6; any other
 * address as `text` has it.
 */
export function addressText(bytes: ArrayBuffer, text: () => ArrayBuffer): string {
  const address = new Uint8Array(bytes);
  if (address.length === 4) return inDots(address, 0);
  const isMapped =
    address.length === 16 && address.subarray(0, 12).every((byte, at) => byte === (at < 10 ? 0 : 0xff));
  return isMapped ? inDots(address, 12) : Buffer.from(text()).toString("latin1");
}

const inDots = (bytes: Uint8Array, at: number): string =>
  `${String(bytes[at])}.${String(bytes[at + 1])}.${String(bytes[at + 2])}.${String(bytes[at + 3])}`;
