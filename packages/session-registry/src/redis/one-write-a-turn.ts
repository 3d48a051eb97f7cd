// What one turn of the event loop sends over one connection leaves in one write (DESIGN §4).
//
// ioredis writes each command for itself, a system call each: a third of an edge's time when it carried commands (bench/README.md).
// Its own auto-pipelining would gather them as well, but leaks MOVED and throws on an uncovered slot (FACTS §3). A corked stream
// changes nothing about commands, their order or their errors.

import type { Cluster } from "ioredis";
import type { Soon } from "../time.ts";

/** A stream as Node's: what is written while it is corked leaves together. */
interface Corkable {
  write: (...args: never[]) => boolean;
  cork(): void;
  uncork(): void;
}

/** Gathers the writes of every connection of `client`, from its opening on. */
export function writeOnceATurn(client: Cluster, soon: Soon): void {
  client.on("+node", (node) => {
    node.on("connect", () => gatherWrites(node.stream as Corkable, soon));
  });
}

function gatherWrites(stream: Corkable, soon: Soon): void {
  const write = stream.write.bind(stream);
  let isCorked = false;
  const uncork = (): void => {
    isCorked = false;
    stream.uncork();
  };
  stream.write = (...args) => {
    if (!isCorked) {
      isCorked = true;
      stream.cork();
      soon(uncork);
    }
    return write(...args);
  };
}
