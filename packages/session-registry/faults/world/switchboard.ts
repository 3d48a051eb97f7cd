// A proxy before every Redis node that knows whose connection it carries: each edge has a Redis user of its own, and a
// client's first words are its AUTH. So one edge's connections, or its subscribers' alone, can be cut or made silent. I/O: sockets.
//
// B1. Nodes announce their proxy's port: a MOVED does not lead around it (FACTS §9).
// B2. `silent` is a network that swallows: connections stay, new ones are accepted, nothing passes. `cut` resets, new ones too.
// B3. A rule holds for connections that exist and for those that come, until `heal`.

import { createConnection, createServer, type Server, type Socket } from "node:net";

/** Which connections a fault is for. */
export interface Chosen {
  /** Redis user of the edge. */
  readonly user: string;
  /** Only those that have subscribed. */
  readonly onlySubscribers: boolean;
}

/** What happens to them. */
export type Fault = "silent" | "cut";

interface Link {
  readonly client: Socket;
  readonly target: Socket;
  user: string;
  isSubscriber: boolean;
}

/** Where a node really is; known only after it was started. */
export interface NodeAddress {
  host: string;
  port: number;
}

/** The proxies of one cluster. */
export class Switchboard {
  readonly #users: readonly string[];
  readonly #servers: Server[] = [];
  readonly #links = new Set<Link>();
  #rule: (Chosen & { readonly fault: Fault }) | undefined;
  /** How many connections a rule has hit: a test of cut connections must see some. */
  hits = 0;

  constructor(users: readonly string[]) {
    this.#users = users;
  }

  /** Opens a proxy before `target`, which is read anew at each connection. Returns its port. */
  async open(target: Readonly<NodeAddress>): Promise<number> {
    const server = createServer({ noDelay: true }, (client) => this.#join(client, target));
    this.#servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("a proxy has no port");
    return address.port;
  }

  apply(chosen: Chosen, fault: Fault): void {
    this.#rule = { ...chosen, fault };
    for (const link of this.#links) this.#enforce(link); // B3
  }

  /** What was held while silent is not delivered late: those connections end, as after a real cut. */
  heal(): void {
    const rule = this.#rule;
    this.#rule = undefined;
    for (const link of this.#links) if (rule && matches(link, rule)) reset(link);
  }

  async close(): Promise<void> {
    for (const link of this.#links) reset(link);
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }

  #join(client: Socket, target: Readonly<NodeAddress>): void {
    const link: Link = {
      client,
      target: createConnection({ host: target.host, port: target.port, noDelay: true }),
      user: "",
      isSubscriber: false,
    };
    this.#links.add(link);
    client.on("data", (bytes: Buffer) => {
      this.#learn(link, bytes);
      this.#enforce(link);
      if (!this.#isHeld(link) && !link.target.destroyed) link.target.write(bytes);
    });
    link.target.on("data", (bytes: Buffer) => {
      if (!this.#isHeld(link) && !client.destroyed) client.write(bytes);
    });
    for (const socket of [client, link.target]) {
      socket.on("error", () => reset(link));
      socket.on("close", () => {
        this.#links.delete(link);
        reset(link);
      });
    }
  }

  #learn(link: Link, bytes: Buffer): void {
    if (link.user !== "" && link.isSubscriber) return;
    const text = bytes.toString("latin1").toLowerCase();
    if (link.user === "") link.user = this.#users.find((user) => text.includes(user)) ?? "nobody";
    link.isSubscriber ||= text.includes("ssubscribe");
  }

  #isHeld(link: Link): boolean {
    return this.#rule?.fault === "silent" && matches(link, this.#rule);
  }

  #enforce(link: Link): void {
    if (!this.#rule || !matches(link, this.#rule)) return;
    this.hits++;
    if (this.#rule.fault === "cut") reset(link);
  }
}

const matches = (link: Link, rule: Chosen): boolean =>
  link.user === rule.user && (link.isSubscriber || !rule.onlySubscribers);

function reset(link: Link): void {
  if (!link.client.destroyed) link.client.resetAndDestroy();
  if (!link.target.destroyed) link.target.resetAndDestroy();
}
