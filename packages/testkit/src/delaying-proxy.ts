// A TCP proxy that makes a network bad on demand: slow, silent, cut. I/O: sockets.
//
// X1. Every byte passes unchanged and in order, or its connection ends (delay-line.ts).
// X2. Stalled is what a client cannot tell from a slow peer: connections stay, new ones are accepted, nothing flows.
// X3. Cut is what it can tell: connections are reset, new ones too, until resume().

import { createConnection, createServer, type Server, type Socket } from "node:net";

import { type DelayLine, delayLine } from "./delay-line.ts";

/** `up` is from the client to the target, `down` the way back. */
export type Direction = "up" | "down";

/** Where to, and with what delay to begin. */
export type DelayingProxyOptions = {
  readonly target: { readonly host: string; readonly port: number };
  /** Default: a free one of the kernel's choice. */
  readonly port?: number;
  readonly host?: string;
  /** For each direction, in ms. Default 0. */
  readonly delayMs?: number;
};

/** What has passed. `open` is the present number, the others only grow. */
export type ProxyCounters = {
  readonly accepted: number;
  readonly open: number;
  /** Reset because the proxy was cut, or the target could not be reached. */
  readonly refused: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
};

/** A listening proxy. */
export type DelayingProxy = {
  readonly host: string;
  readonly port: number;
  /** For bytes that arrive from now on, in both directions or in one. */
  readonly setDelay: (delayMs: number, direction?: Direction) => void;
  /** Nothing flows (X2): both ways, or one (`"down"`: requests arrive, replies are lost in time). */
  readonly stall: (direction?: Direction) => void;
  /** Resets what is open and what comes (X3). What was held is lost. */
  readonly cut: () => void;
  /** Resets what is open now; new connections pass. */
  readonly reset: () => void;
  /** Ends stall and cut. What was held flows. */
  readonly resume: () => void;
  readonly counters: () => ProxyCounters;
  /** Ends the proxy and its connections. */
  readonly close: () => Promise<void>;
};

type Conditions = {
  cut: boolean;
  readonly delayMs: Record<Direction, number>;
  readonly stalled: Record<Direction, boolean>;
};

type Link = {
  readonly client: Socket;
  readonly target: Socket;
  readonly up: DelayLine;
  readonly down: DelayLine;
};

type Counts = { -readonly [name in Exclude<keyof ProxyCounters, "open">]: number };

/** Starts a proxy before `target`. Rejects if it cannot listen. */
export async function delayingProxy(options: DelayingProxyOptions): Promise<DelayingProxy> {
  const { target, host = "127.0.0.1", delayMs = 0 } = options;
  const conditions: Conditions = {
    cut: false,
    delayMs: { up: delayMs, down: delayMs },
    stalled: { up: false, down: false },
  };
  const counts: Counts = { accepted: 0, refused: 0, bytesUp: 0, bytesDown: 0 };
  const links = new Set<Link>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    counts.accepted++;
    if (conditions.cut) {
      counts.refused++;
      client.resetAndDestroy(); // X3
      return;
    }
    join(client, target, { conditions, counts, links });
  });
  const port = await listen(server, host, options.port ?? 0);
  return { host, port, ...controls(conditions, links), ...ends(server, conditions, counts, links) };
}

function controls(
  conditions: Conditions,
  links: ReadonlySet<Link>,
): Pick<DelayingProxy, "setDelay" | "stall" | "resume"> {
  const chosen = (direction: Direction | undefined): Direction[] =>
    direction ? [direction] : ["up", "down"];
  return {
    setDelay: (delayMs, direction) => {
      for (const each of chosen(direction)) conditions.delayMs[each] = delayMs;
    },
    stall: (direction) => {
      for (const each of chosen(direction)) conditions.stalled[each] = true;
    },
    resume: () => {
      conditions.cut = false;
      conditions.stalled.up = false;
      conditions.stalled.down = false;
      for (const link of links) {
        link.up.wake();
        link.down.wake();
      }
    },
  };
}

function ends(
  server: Server,
  conditions: Conditions,
  counts: Counts,
  links: ReadonlySet<Link>,
): Pick<DelayingProxy, "cut" | "reset" | "counters" | "close"> {
  const reset = (): void => {
    for (const link of links) resetLink(link);
  };
  const cut = (): void => {
    conditions.cut = true;
    reset();
  };
  return {
    cut,
    reset,
    counters: () => ({ ...counts, open: links.size }),
    close: async () => {
      cut();
      if (server.listening) await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

type Shared = { readonly conditions: Conditions; readonly counts: Counts; readonly links: Set<Link> };

function join(client: Socket, address: DelayingProxyOptions["target"], shared: Shared): void {
  const { conditions, counts, links } = shared;
  const target = createConnection({ ...address, allowHalfOpen: true, noDelay: true });
  const way = (direction: Direction): { delayMs: () => number; stalled: () => boolean } => ({
    delayMs: () => conditions.delayMs[direction],
    stalled: () => conditions.stalled[direction],
  });
  const up = delayLine(client, target, way("up"), (bytes) => (counts.bytesUp += bytes));
  const down = delayLine(target, client, way("down"), (bytes) => (counts.bytesDown += bytes));
  const link: Link = { client, target, up, down };
  links.add(link);
  let reached = false;
  target.once("connect", () => (reached = true));
  for (const [socket, line] of [
    [client, up],
    [target, down],
  ] as const) {
    socket.on("data", (bytes: Buffer) => line.push(bytes));
    socket.on("end", line.end);
    socket.on("error", () => {
      if (socket === target && !reached) counts.refused++;
      resetLink(link); // a broken connection is broken on both sides
    });
  }
  const closed = (): void => {
    if (client.destroyed && target.destroyed) links.delete(link);
  };
  client.on("close", closed);
  target.on("close", closed);
}

function resetLink(link: Link): void {
  link.up.drop();
  link.down.drop();
  if (!link.client.destroyed) link.client.resetAndDestroy();
  if (!link.target.destroyed) link.target.resetAndDestroy();
}

async function listen(server: Server, host: string, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  return address.port;
}
