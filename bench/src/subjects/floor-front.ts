// The floor of a command across edges, its front: a bare Fastify server that publishes to Redis and waits for the reply.

import fastify from "fastify";
import { Redis } from "ioredis";

import { serve } from "../system/worker.ts";
import { besides, subscribeHere } from "./floor-channel.ts";

async function listen({ redis }: { redis: { host: string; port: number } }): Promise<number> {
  const publisher = new Redis(redis);
  const subscriber = new Redis(redis);
  const waiting = new Map<string, (reply: unknown) => void>();
  const replies = await subscribeHere(subscriber, "replies");
  const commands = besides(replies, "commands");
  subscriber.on("smessage", (_channel, text) => {
    const { id, payload } = JSON.parse(text) as { id: string; payload: unknown };
    waiting.get(id)?.(payload);
    waiting.delete(id);
  });
  let next = 0;
  const app = fastify();
  app.route<{ Params: { station: string }; Body: { action: string; payload: unknown } }>({
    method: "POST",
    url: "/command/:station",
    handler: async (request) => {
      const id = String((next += 1));
      const { action, payload } = request.body;
      const reply = new Promise((resolve) => waiting.set(id, resolve));
      const command = { id, station: request.params.station, action, payload };
      await publisher.spublish(commands, JSON.stringify(command));
      return { status: "answered", payload: await reply };
    },
  });
  return Number(new URL(await app.listen({ host: "127.0.0.1", port: 0 })).port);
}

serve({ listen });
