// FNV-1a, 32 bits: for what nobody gains by making collide. Pure.

/** Where a hash begins. */
export const fnvStart = 0x81_1c_9d_c5;

/** The hash with one byte, or one small number, more. */
export function fnvStep(hash: number, unit: number): number {
  return Math.imul(hash ^ unit, 0x01_00_01_93) >>> 0;
}
