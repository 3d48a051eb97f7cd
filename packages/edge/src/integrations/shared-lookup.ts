// Names of backends to addresses, each asked for once at a time. I/O: the system's resolver.
//
// N1. libuv asks for two names at a time, in all, and who has given up cannot take a question back: with a resolver that is silent each lasts ten
//     seconds and more. A backend that is tried again all the while, by a name that nobody answers for, would fill that line, and others with their
//     names that are in order would find no turn. So who asks for a name that is being asked for gets that answer. Two such names still fill it.
// N2. Nothing is remembered beyond its answer: addresses move, and a kept connection asks for none.

import { lookup as systemLookup, type LookupAddress, type LookupOptions } from "node:dns";

type Answered = (
  error: NodeJS.ErrnoException | null,
  address: string | LookupAddress[],
  family?: number,
) => void;

/** Node's `dns.lookup`, as sockets call it. */
export type Lookup = (hostname: string, options: LookupOptions, answered: Answered) => void;

/** A lookup that shares what is being asked for (N1). */
export function sharedLookup(lookup: Lookup = systemLookup): Lookup {
  const asked = new Map<string, Answered[]>();
  return (hostname, options, answered) => {
    const question = JSON.stringify([hostname, options]);
    const others = asked.get(question);
    if (others !== undefined) {
      others.push(answered);
      return;
    }
    const all = [answered];
    asked.set(question, all);
    try {
      lookup(hostname, options, (...answer) => {
        asked.delete(question); // N2
        for (const each of all) each(...answer);
      });
    } catch (error) {
      asked.delete(question); // nobody is asked
      throw error;
    }
  };
}
