// A cluster of its own with a TCP proxy before each node, which knows a connection by the name its client gave it: one connection can lose
// its replies, or end, while all others work. Nodes announce their proxy's port, so that no MOVED leads around it (FACTS §9).

import { createConnection, createServer, type Server, type Socket } from "node:net";
import type { RedisCluster } from "@cpg/infra";

import { startTestRedisCluster } from "./redis.ts";

const host = "127.0.0.1";
/** A client gives its name first of all. */
const introductionLength = 1024;

/** A connection through a proxy. */
export class NamedLink {
  /** `host:port` of the proxy, as the cluster announces the node. */
  readonly address: string;
  readonly #client: Socket;
  readonly #target: Socket;
  #introduction = "";
  #isSwallowing = false;
  /** Bytes of replies that were lost. */
  swallowed = 0;

  constructor(address: string, client: Socket, target: Socket) {
    this.address = address;
    this.#client = client;
    this.#target = target;
    client.on("data", (bytes: Buffer) => {
      if (this.#introduction.length < introductionLength) this.#introduction += bytes.toString("latin1");
      target.write(bytes);
    });
    target.on("data", (bytes: Buffer) => {
      if (this.#isSwallowing) this.swallowed += bytes.length;
      else client.write(bytes);
    });
    for (const socket of [client, target])
      socket.on("error", () => this.reset()).on("close", () => this.reset());
  }

  get isOpen(): boolean {
    return !this.#client.destroyed;
  }

  isNamed(name: string): boolean {
    return this.#introduction.includes(`\n${name}\r\n`);
  }

  /** Replies are lost from now on; commands arrive. */
  swallow(): void {
    this.#isSwallowing = true;
  }

  reset(): void {
    if (!this.#client.destroyed) this.#client.resetAndDestroy();
    if (!this.#target.destroyed) this.#target.resetAndDestroy();
  }
}

/** The cluster and its proxies. */
export interface NamedProxies {
  readonly cluster: RedisCluster;
  /** `host:port` of each proxy. */
  readonly nodes: readonly string[];
  /** Open connections of that name. */
  links(name: string): readonly NamedLink[];
  stop(): Promise<void>;
}

/** Starts them: three masters, unless told otherwise without replicas. */
export async function startNamedProxies(replicas = 0): Promise<NamedProxies> {
  const links: NamedLink[] = [];
  const targets = Array.from({ length: 3 + replicas }, () => ({ port: 0 })); // known only once the nodes run
  const servers = targets.map((target) =>
    createServer({ noDelay: true }, (client) => {
      const address = `${host}:${String(client.localPort)}`;
      links.push(
        new NamedLink(address, client, createConnection({ host, port: target.port, noDelay: true })),
      );
    }),
  );
  const ports = await Promise.all(servers.map(listen));
  const cluster = await startTestRedisCluster({
    replicas,
    configFor({ index, port }) {
      const target = targets[index];
      if (target) target.port = port;
      return { "cluster-announce-port": String(ports[index]) };
    },
  });
  return {
    cluster,
    nodes: ports.map((port) => `${host}:${String(port)}`),
    links: (name) => links.filter((link) => link.isOpen && link.isNamed(name)),
    async stop() {
      await cluster.stop();
      for (const link of links) link.reset();
      for (const server of servers) server.close();
    },
  };
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a proxy has no port");
  return address.port;
}
