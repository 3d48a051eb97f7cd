import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { describe, expect, test, vi } from "vitest";
import { procFile } from "../src/proc-file.ts";
import { openDescriptors, residentBytes } from "../src/process-metrics.ts";

const program = new URL("support/out-of-descriptors.ts", import.meta.url).pathname;
const onLinux = process.platform === "linux";

interface Told {
  readonly before: Readonly<Record<string, number>>;
  readonly after: Readonly<Record<string, number>>;
  readonly refusal: string;
  readonly faults: readonly string[];
}

async function outOfDescriptors(limit: number): Promise<Told> {
  const script = `ulimit -n ${limit} && exec "$0" "$1"`;
  const { stdout } = await promisify(execFile)("/bin/sh", ["-c", script, process.execPath, program]);
  return JSON.parse(stdout) as Told;
}

describe.skipIf(!onLinux)("a process that is out of descriptors", () => {
  test("tells all its numbers all the same: DescriptorsNearLimit is about this very moment", async () => {
    const { before, after, refusal, faults } = await outOfDescriptors(100);
    expect(refusal, "it really is").toContain("EMFILE");
    expect(faults).toEqual([]);
    // What keeps the loop alive differs from one reading to the next.
    const steady = (told: Told["before"]) =>
      Object.keys(told).filter((name) => !name.startsWith("nodejs_active_resources"));
    expect(steady(after)).toEqual(steady(before));
    expect(after).toMatchObject({ process_max_fds: 100 });
    expect(after["process_open_fds"]).toBeGreaterThanOrEqual(100);
    for (const name of ["process_resident_memory_bytes", "nodejs_heap_used_bytes", "nodejs_heap_total_bytes"])
      expect(after[name], name).toBeGreaterThan(1e6);
  });
});

describe("open descriptors", () => {
  const emfile = Object.assign(new Error("EMFILE: too many open files"), { code: "EMFILE" });
  const table = (size: number, names: () => Promise<readonly string[]>) => ({
    size: () => Promise.resolve(size),
    names,
  });
  const limit = () => Promise.resolve(200);

  test("are the directory's size, or its names counted where an older kernel tells no size", async () => {
    const uncounted = () => Promise.reject(new Error("not asked"));
    expect(await openDescriptors(table(41, uncounted), limit)).toBe(41);
    const three = () => Promise.resolve(["0", "1", "2"]);
    expect(await openDescriptors(table(0, three), limit)).toBe(3);
  });

  test("are the limit where none is left to count them with; any other failure is one", async () => {
    expect(
      await openDescriptors(
        table(0, () => Promise.reject(emfile)),
        limit,
      ),
    ).toBe(200);
    const denied = Object.assign(new Error("EACCES"), { code: "EACCES" });
    await expect(
      openDescriptors(
        table(0, () => Promise.reject(denied)),
        limit,
      ),
    ).rejects.toBe(denied);
  });
});

test("resident memory is VmRSS, in kB; absent where it is not told", () => {
  expect(residentBytes("VmHWM:\t  9000 kB\nVmRSS:\t   1636 kB\nRssAnon:\t 100 kB\n")).toBe(1_636 * 1_024);
  expect(residentBytes("Name:\tkthreadd\n")).toBeUndefined();
});

describe.skipIf(!onLinux)("a held file of /proc", () => {
  test("is told as it is now, whole, at each reading, and for those who ask together once", async () => {
    const file = procFile("/proc/self/net/netstat");
    const [first, same] = await Promise.all([file.read(), file.read()]);
    expect(same).toBe(first);
    expect(first.length, "more than the kernel gives at once, or nearly").toBeGreaterThan(1_000);
    const lines = (text: string) => text.split("\n").map((line) => line.split(" ").length);
    expect(lines(first)).toEqual(lines(await readFile("/proc/self/net/netstat", "utf8")));
    file.close();
    const comm = procFile("/proc/self/comm");
    const title = process.title;
    const before = await comm.read();
    process.title = "another";
    expect(await comm.read()).not.toBe(before);
    process.title = title;
    comm.close();
  });

  test("a long one is read to its end: the kernel gives a page at a time", async () => {
    const file = procFile("/proc/self/smaps");
    const text = await file.read();
    expect(text.length).toBeGreaterThan(20_000);
    expect(text).toMatch(/VmFlags:[^\n]*\n$/);
    file.close();
  });

  test("gives its descriptor back, after a reading that is under way", async () => {
    const links = async () => (await readdir("/proc/self/fd")).length;
    const before = await links();
    const files = Array.from({ length: 20 }, () => procFile("/proc/self/limits"));
    const readings = files.map((file) => file.read());
    for (const file of files) file.close();
    expect(await Promise.all(readings)).toHaveLength(20);
    await vi.waitUntil(async () => (await links()) < before + 20);
  });

  test("one that is not there fails its readings, not the process", async () => {
    const file = procFile("/proc/self/no-such-file");
    await expect(file.read()).rejects.toMatchObject({ code: "ENOENT" });
    file.close();
  });
});
