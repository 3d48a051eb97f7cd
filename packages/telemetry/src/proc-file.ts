// A file of /proc that can still be read when the process is out of descriptors: that is when its numbers are looked at.
//
// F1. The descriptor is taken at the start and held; a reading takes none. The kernel writes such a file anew for whoever reads it from its
//     beginning.
// F2. A file that is not there fails each reading, never the start.
import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { sharedReading } from "./shared-reading.ts";

/** The kernel gives no more than a page or two at a time, whatever is asked for. */
const chunkBytes = 8_192;

/** An open file of /proc. */
export interface ProcFile {
  /** The text as it is now; those who ask at the same time share it. Rejects with the system's error. */
  read(): Promise<string>;
  /** Gives the descriptor back, after a reading that is under way. */
  close(): void;
}

/** Opens it, in the background. */
export function procFile(path: string): ProcFile {
  const opened = open(path, "r");
  let latest: Promise<unknown> = opened;
  latest.catch(() => undefined); // F2
  const read = sharedReading(async () => textOf(await opened));
  return {
    read() {
      const text = read();
      latest = text;
      return text;
    },
    close() {
      const close = async (): Promise<void> => (await opened).close();
      latest.then(close, close).catch(() => undefined);
    },
  };
}

async function textOf(file: FileHandle): Promise<string> {
  const chunks: Buffer[] = [];
  for (let position = 0; ;) {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(chunkBytes), 0, chunkBytes, position); // F1: from 0
    if (bytesRead === 0) return Buffer.concat(chunks).toString("utf8");
    chunks.push(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
}
