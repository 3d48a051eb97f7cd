// WebSocket frames as a load generator needs them: text out, whole frames in, nothing copied twice. Pure.
//
// F1. A client's frames are masked, here with a key of zeros: the server does the same work, the generator none.
// F2. The bytes of a read may hold several frames, or a part of one; what is left over is kept for the next read.

/** A frame as it came. `payload` is borrowed until the next read. */
export interface FrameSink {
  text(bytes: Buffer, from: number, to: number): void;
  ping(bytes: Buffer, from: number, to: number): void;
  closed(code: number): void;
}

/** A masked text frame (F1) of an ASCII text, to be written as latin1. */
export function textFrame(text: string): string {
  return `\u0081${maskedLength(text.length)}\0\0\0\0${text}`;
}

/** A masked pong with the ping's payload (ASCII or binary as latin1). */
export function pongFrame(payload: string): string {
  return `\u008a${maskedLength(payload.length)}\0\0\0\0${payload}`;
}

/** A masked close frame without a code. */
export const closeFrame = "\u0088\u0080\0\0\0\0";

function maskedLength(length: number): string {
  if (length < 126) return String.fromCodePoint(0x80 | length);
  if (length < 65_536) return `\u00fe${String.fromCodePoint(length >> 8, length & 0xff)}`;
  throw new RangeError("the load generator sends no message of 64 KB");
}

/** Hands each whole frame to `sink`; returns where the rest begins that is not yet a frame (F2). */
export function readFrames(bytes: Buffer, to: number, sink: FrameSink): number {
  let at = 0;
  while (to - at >= 2) {
    const first = bytes[at] ?? 0;
    let length = (bytes[at + 1] ?? 0) & 0x7f;
    let head = 2;
    if (length === 126) {
      if (to - at < 4) return at;
      length = bytes.readUInt16BE(at + 2);
      head = 4;
    } else if (length === 127) {
      if (to - at < 10) return at;
      length = Number(bytes.readBigUInt64BE(at + 2));
      head = 10;
    }
    const [from, end] = [at + head, at + head + length];
    if (end > to) return at;
    const opcode = first & 0x0f;
    if (opcode === 1) sink.text(bytes, from, end);
    else if (opcode === 9) sink.ping(bytes, from, end);
    else if (opcode === 8) sink.closed(length >= 2 ? bytes.readUInt16BE(from) : 1005);
    at = end;
  }
  return at;
}
