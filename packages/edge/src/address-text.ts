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

// Every accepted station has one written.
const decimals = Array.from({ length: 256 }, (_, byte) => String(byte));
const decimal = (byte: number | undefined): string => decimals[byte ?? 0] ?? "";

const inDots = (bytes: Uint8Array, at: number): string =>
  `${decimal(bytes[at])}.${decimal(bytes[at + 1])}.${decimal(bytes[at + 2])}.${decimal(bytes[at + 3])}`;
