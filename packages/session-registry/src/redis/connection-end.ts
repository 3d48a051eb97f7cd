// Why a connection to a node came to nothing. Listens to what ioredis hears of the socket; opens nothing of its own.
//
// E1. A command that waited on such a connection says "Connection is closed." or "timeout", whatever the socket said (refused, a
//     certificate, another protocol). That is an event of the connection, and ioredis drops those of the one that reads the slot map:
//     until a first node has answered there is no other.
// E2. The first error counts, what follows is its echo; who says nothing is judged by how far the connection came.

import type { Cluster, Redis } from "ioredis";
import { describeEnd, isAboutEnd } from "./error-map.ts";

/** Begins to listen to a connection that is not open yet. What is returned says why it ended, or what it waits for. */
export function watchConnection(redis: Redis): () => string {
  const { host, port, tls } = redis.options;
  let error: unknown;
  let reached: "peer" | "redis" | undefined;
  redis.on("error", (said) => void (error ??= said)); // E2
  redis.once("connect", () => (reached ??= "peer"));
  redis.once("ready", () => (reached = "redis"));
  return () => {
    const { stream }: { readonly stream?: Redis["stream"] } = redis; // there is none yet while ioredis waits for its turn
    return describeEnd({
      address: `${host}:${port}`,
      isTls: tls !== undefined,
      reached: reached ?? ((stream?.connecting ?? true) ? "nothing" : "host"),
      isClosed: redis.status === "close" || redis.status === "end",
      error,
    });
  };
}

/** From now on the errors that this client tells have the reason as their `cause` (E1); before other listeners. */
export function giveReasons(client: Cluster): void {
  let reasonOfRead: (() => string) | undefined; // reads follow one another
  client.on("+node", (node) => {
    const duplicate = node.duplicate.bind(node);
    node.duplicate = (...args: Parameters<typeof duplicate>) => {
      const copy = duplicate(...args);
      reasonOfRead = watchConnection(copy);
      return copy;
    };
  });
  client.on("node error", (error: Error) => {
    if (reasonOfRead && isAboutEnd(error)) error.cause = new Error(reasonOfRead());
  });
}
