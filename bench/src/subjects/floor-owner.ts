// The floor of a command across edges, its owner: raw uWebSockets.js sockets, commanded by Redis messages.

import { Redis } from "ioredis";
// oxlint-disable-next-line eslint/no-restricted-imports -- the floor is uWebSockets.js itself
import { App, us_socket_local_port, type WebSocket } from "uWebSockets.js";

import { serve } from "../system/worker.ts";
import { besides, subscribeHere } from "./floor-channel.ts";

interface Command {
  readonly id: string;
  readonly station: string;
  readonly action: string;
  readonly payload: unknown;
}

interface Data {
  readonly station: string;
}

async function listen({ redis }: { redis: { host: string; port: number } }): Promise<number> {
  const sockets = new Map<string, WebSocket<Data>>();
  const publisher = new Redis(redis);
  const subscriber = new Redis(redis);
  const commands = await subscribeHere(subscriber, "commands");
  const replies = besides(commands, "replies");
  subscriber.on("smessage", (_channel, text) => {
    const { id, station, action, payload } = JSON.parse(text) as Command;
    sockets.get(station)?.send(JSON.stringify([2, id, action, payload]));
  });
  const app = App();
  app.ws<Data>("/*", {
    upgrade(res, req, context) {
      const station = req.getUrl().slice(req.getUrl().lastIndexOf("/") + 1);
      const [key, protocol] = [req.getHeader("sec-websocket-key"), req.getHeader("sec-websocket-protocol")];
      res.upgrade({ station }, key, protocol, req.getHeader("sec-websocket-extensions"), context);
    },
    open: (ws) => void sockets.set(ws.getUserData().station, ws),
    message(_ws, bytes) {
      const [type, id, payload] = JSON.parse(Buffer.from(bytes).toString()) as [number, string, unknown];
      if (type === 3) void publisher.spublish(replies, JSON.stringify({ id, payload }));
    },
    close: (ws) => void sockets.delete(ws.getUserData().station),
  });
  return new Promise((resolve) => {
    app.listen("127.0.0.1", 0, (token) => resolve(token === false ? 0 : us_socket_local_port(token)));
  });
}

serve({ listen });
