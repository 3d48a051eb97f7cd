// Who listens on a port of this machine, so that a person knows what to stop. I/O: /proc (Linux; elsewhere: unknown).

import { readdir, readFile, readlink } from "node:fs/promises";

/** `node (process 123)`, or undefined: nobody, somebody of another user, or a system without /proc. */
export async function listenerOf(port: number): Promise<string | undefined> {
  const sockets = await listeningSockets(port);
  if (sockets.size === 0) return undefined;
  const processes = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/u.test(name));
  for (const pid of processes) {
    if (!(await holdsOneOf(pid, sockets))) continue;
    const name = await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "a process");
    return `${name.trim()} (process ${pid})`;
  }
  return undefined;
}

// Lines of /proc/net/tcp: "sl local_address rem_address st … inode", addresses as HEXIP:HEXPORT, state 0A = LISTEN.
async function listeningSockets(port: number): Promise<Set<string>> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const tables = await Promise.all(
    ["/proc/net/tcp", "/proc/net/tcp6"].map((file) => readFile(file, "utf8").catch(() => "")),
  );
  const rows = tables.flatMap((table) => table.split("\n")).map((line) => line.trim().split(/\s+/u));
  const inodes = rows
    .filter((row) => row[1]?.endsWith(suffix) === true && row[3] === "0A")
    .map((row) => row[9]);
  return new Set(inodes.map((inode) => `socket:[${inode ?? ""}]`));
}

async function holdsOneOf(pid: string, sockets: ReadonlySet<string>): Promise<boolean> {
  const folder = `/proc/${pid}/fd`;
  const files = await readdir(folder).catch(() => []);
  const targets = await Promise.all(files.map((file) => readlink(`${folder}/${file}`).catch(() => "")));
  return targets.some((target) => sockets.has(target));
}
