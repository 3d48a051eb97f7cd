import { describe, expect, test } from "vitest";
import { HashLine } from "../src/hash-line.ts";
import { FakePeer } from "./support/fake-peer.ts";

/** A line, the hashes that have begun, and how each ends. */
function lineWith(bounds: { atATime?: number; waiting?: number; ofOne?: number } = {}) {
  const line = new HashLine({ atATime: 1, waiting: 2, ofOne: 9, ...bounds });
  const begun: string[] = [];
  const ends = new Map<string, { done(): void; fail(error: Error): void }>();
  const ask = (name: string, peer = new FakePeer(), credential: object = {}) =>
    line.compute(credential, peer, () => {
      begun.push(name);
      return new Promise<string>((resolve, reject) =>
        ends.set(name, { done: () => resolve(`hash of ${name}`), fail: reject }),
      );
    });
  const end = (name: string) => {
    const found = ends.get(name);
    if (found === undefined) throw new Error(`${name} has not begun`);
    return found;
  };
  return { ask, begun, end };
}

test("a free place is used in the same turn", () => {
  const { ask, begun } = lineWith({ atATime: 2 });
  void ask("a");
  void ask("b");
  void ask("c");
  expect(begun).toEqual(["a", "b"]);
});

test("who came last is next: it has all of its patience left", async () => {
  const { ask, begun, end } = lineWith({ waiting: 3 });
  const first = ask("first");
  const asked = [ask("a"), ask("b"), ask("c")];
  end("first").done();
  expect(await first).toBe("hash of first");
  for (const name of ["c", "b", "a"]) {
    await expect.poll(() => begun.at(-1)).toBe(name);
    end(name).done();
  }
  for (const name of ["a", "b", "c"]) expect(await asked.shift()).toBe(`hash of ${name}`);
  expect(begun).toEqual(["first", "c", "b", "a"]);
});

test("one more than may wait is turned away at once, and its place is free again after a hash", async () => {
  const { ask, begun, end } = lineWith();
  const first = ask("first");
  void ask("a");
  void ask("b");
  expect(ask("c")).toBe("full");
  end("first").done();
  await first;
  expect(ask("d")).not.toBe("full");
  expect(ask("e")).toBe("full");
  expect(begun).toEqual(["first", "b"]);
});

test("who leaves while it waits is not hashed, and makes room in the same turn", async () => {
  const { ask, begun, end } = lineWith();
  const leaving = [new FakePeer(), new FakePeer()] as const;
  void ask("first");
  const left = [ask("a", leaving[0]), ask("b", leaving[1])];
  expect(ask("c")).toBe("full");
  for (const peer of leaving) peer.leave();
  expect([ask("d"), ask("e"), ask("f")].map((asked) => asked === "full")).toEqual([false, false, true]);
  for (const end of left) expect(await end).toBe("gone");
  end("first").done();
  await expect.poll(() => begun).toEqual(["first", "e"]);
});

test("who leaves while it is hashed hears nothing, and the next one begins once that hash is done", async () => {
  const { ask, begun, end } = lineWith();
  const peer = new FakePeer();
  const first = ask("first", peer);
  void ask("a");
  peer.leave();
  expect(begun).toEqual(["first"]);
  end("first").done();
  expect(await first).toBe("gone");
  expect(begun).toEqual(["first", "a"]);
});

test("who leaves in the very turn in which its turn comes is not hashed", async () => {
  const { ask, begun, end } = lineWith();
  const peer = new FakePeer();
  void ask("first");
  const second = ask("second");
  const third = ask("third", peer);
  end("first").done();
  queueMicrotask(() => peer.leave()); // between the end of the first and the beginning of the third
  expect(await third).toBe("gone");
  await expect.poll(() => begun.at(-1)).toBe("second");
  end("second").done();
  expect(await second).toBe("hash of second");
});

test("who leaves after its answer disturbs nobody", async () => {
  const { ask, begun, end } = lineWith();
  const peer = new FakePeer();
  void ask("first");
  const answered = ask("a", peer);
  end("first").done();
  await expect.poll(() => begun).toEqual(["first", "a"]);
  end("a").done();
  await answered;
  void ask("b");
  void ask("c");
  peer.leave();
  end("b").done();
  await expect.poll(() => begun.at(-1)).toBe("c");
});

describe("a place is given back whatever happens", () => {
  test("after a hash that failed", async () => {
    const { ask, begun, end } = lineWith();
    const first = ask("first");
    void ask("a");
    end("first").fail(new Error("no memory"));
    await expect(first).rejects.toThrow("no memory");
    expect(begun).toEqual(["first", "a"]);
  });

  test("after a hash that could not even begin", async () => {
    const line = new HashLine({ atATime: 1, waiting: 1, ofOne: 1 });
    const credential = {};
    const broken = (): Promise<string> => {
      throw new Error("broken");
    };
    for (let time = 0; time < 3; time++)
      await expect(line.compute(credential, new FakePeer(), broken)).rejects.toThrow("broken");
    expect(await line.compute(credential, new FakePeer(), () => Promise.resolve("done"))).toBe("done");
  });
});

describe("one credential has a few places, so that guesses at it keep nobody else out", () => {
  test("hashed and waiting count together", () => {
    const { ask } = lineWith({ atATime: 1, waiting: 9, ofOne: 2 });
    const guessed = {};
    const asked = [1, 2, 3].map((n) => ask(`guess ${String(n)}`, new FakePeer(), guessed));
    expect(asked.map((end) => end === "full")).toEqual([false, false, true]);
    expect(ask("somebody else")).not.toBe("full");
  });

  test("each is given back when it is done, failed or left", async () => {
    const { ask, end } = lineWith({ atATime: 1, waiting: 9, ofOne: 1 });
    const own = {};
    const peer = new FakePeer();
    const done = ask("done", peer, own);
    end("done").done();
    await done;
    const failed = ask("failed", peer, own);
    end("failed").fail(new Error("no memory"));
    await expect(failed).rejects.toThrow("no memory");
    void ask("other");
    const left = ask("left", peer, own);
    peer.leave();
    expect(await left).toBe("gone");
    expect(ask("last", new FakePeer(), own)).not.toBe("full");
  });
});
