// Channels of the floor of commands. Sharded, as the gateway's are: a plain PUBLISH goes to every node of a cluster.

import type { Redis } from "ioredis";

/** Subscribes to `name` in a slot of this node: the first of a row of tags that it takes, so all who ask the same node agree. */
export async function subscribeHere(subscriber: Redis, name: string): Promise<string> {
  for (let tag = 0; tag < 1_000; tag++) {
    const channel = channelOf(tag, name);
    if (await isTaken(subscriber, channel)) return channel;
  }
  throw new Error(`no channel of 1,000 is in a slot of this node`);
}

/** The channel of another name in the slot of `channel`. */
export function besides(channel: string, name: string): string {
  return channelOf(channel.slice(1, channel.indexOf("}")), name);
}

function channelOf(tag: number | string, name: string): string {
  return `{${tag}}floor:${name}`;
}

async function isTaken(subscriber: Redis, channel: string): Promise<boolean> {
  try {
    await subscriber.ssubscribe(channel);
    return true;
  } catch (error) {
    if (error instanceof Error && error.message.startsWith("MOVED ")) return false;
    throw error;
  }
}
