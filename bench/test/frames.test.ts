import { describe, expect, it } from "vitest";

import { pongFrame, readFrames, textFrame } from "../src/load/frames.ts";

interface Seen {
  readonly texts: string[];
  readonly pings: string[];
  readonly closes: number[];
}

function reader(): { seen: Seen; read: (bytes: Buffer) => number } {
  const seen: Seen = { texts: [], pings: [], closes: [] };
  const sink = {
    text: (bytes: Buffer, from: number, to: number) =>
      void seen.texts.push(bytes.toString("latin1", from, to)),
    ping: (bytes: Buffer, from: number, to: number) =>
      void seen.pings.push(bytes.toString("latin1", from, to)),
    closed: (code: number) => void seen.closes.push(code),
  };
  return { seen, read: (bytes) => readFrames(bytes, bytes.length, sink) };
}

/** What a server sends: unmasked. */
function serverFrame(opcode: number, text: string): Buffer {
  const head =
    text.length < 126
      ? [0x80 | opcode, text.length]
      : [0x80 | opcode, 126, text.length >> 8, text.length & 255];
  return Buffer.concat([Buffer.from(head), Buffer.from(text, "latin1")]);
}

describe("reading frames", () => {
  it("hands several frames of one read over in order", () => {
    const { seen, read } = reader();
    read(Buffer.concat([serverFrame(1, "a"), serverFrame(9, "p"), serverFrame(1, "b".repeat(300))]));
    expect(seen).toEqual({ texts: ["a", "b".repeat(300)], pings: ["p"], closes: [] });
  });

  it("leaves a part of a frame alone, wherever it is cut", () => {
    const frame = serverFrame(1, "x".repeat(200));
    for (let cut = 0; cut < frame.length; cut++) {
      const { seen, read } = reader();
      expect(read(frame.subarray(0, cut))).toBe(0);
      expect(seen.texts).toEqual([]);
    }
  });

  it("says the code of a close, and 1005 when there is none", () => {
    const { seen, read } = reader();
    read(Buffer.concat([serverFrame(8, "\u0003\u00f1"), serverFrame(8, "")]));
    expect(seen.closes).toEqual([1009, 1005]);
  });
});

describe("writing frames", () => {
  it("masks with zeros and says the length in one byte or three", () => {
    expect(Buffer.from(textFrame("hi"), "latin1").toString("hex")).toBe("8182000000006869");
    expect(
      Buffer.from(textFrame("y".repeat(300)), "latin1")
        .subarray(0, 8)
        .toString("hex"),
    ).toBe("81fe012c00000000");
    expect(Buffer.from(pongFrame(""), "latin1").toString("hex")).toBe("8a8000000000");
  });

  it("refuses what would need a length of eight bytes instead of sending nonsense", () => {
    expect(() => textFrame("z".repeat(65_536))).toThrow(RangeError);
  });
});
