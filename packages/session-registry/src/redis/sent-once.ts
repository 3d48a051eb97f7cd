// What was sent over a connection and not answered is not sent again inside the same attempt (R11).
//
// ioredis sends again whatever ends with "Connection is closed.", carried out or not (FACTS §3). The lane would see one attempt that
// was answered, and believe the second answer: nobody there, nothing delivered, when the first one had delivered. So what a lost connection
// leaves unanswered ends with other words, which ioredis hands on. Its outcome is unknown, and trying again is the business of
// policy/retry.ts, whose attempts the lane counts.
//
// What never left, as its connection was only being opened or gone already, still ends with ioredis' words, and ioredis waits and sends it.
// Without that (retryDelayOnFailover 0) whatever comes while a connection is opened anew would count as unknown, and open the circuit.
// The other replies after which ioredis sends again (MOVED, ASK, TRYAGAIN, CLUSTERDOWN) say themselves that nothing was carried out.

import type { Cluster } from "ioredis";

/** ioredis compares the whole text. */
const closed = "Connection is closed.";
const closedUnanswered = `${closed} The command had been sent.`;

/** How a connection of ioredis ends its commands: those that wait to be sent, and those that wait for their reply. */
interface Ending {
  flushQueue(
    error: Error,
    which?: { readonly offlineQueue?: boolean; readonly commandQueue?: boolean },
  ): void;
}

/** From now on each connection of `client` says of what was lost whether it had been sent. */
export function tellWhatWasSent(client: Cluster): void {
  client.on("+node", (node) => {
    node.once("ready", () => tellApart(node)); // before that it sends nothing but its greeting
  });
}

function tellApart(connection: Ending): void {
  const flush = connection.flushQueue.bind(connection);
  connection.flushQueue = (error, which) => {
    flush(error, { ...which, commandQueue: false });
    const isLost = error.message === closed;
    flush(isLost ? new Error(closedUnanswered) : error, { ...which, offlineQueue: false });
  };
}
