// Why a port cannot be had, in words that name the setting to change. I/O: tries one listen, for who is told nothing.

import { createServer } from "node:net";

/** The three ports of an edge, by the group of their settings. */
export type PortOwner = "listen" | "management" | "metrics";

const purposes: Readonly<Record<PortOwner, string>> = {
  listen: "charge points",
  management: "the management API",
  metrics: "metrics",
};

/** One sentence for a person. `error` is the system's, as it came. */
export function whyNotListening(owner: PortOwner, host: string, port: number, error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const where = `${host}:${String(port)} (${purposes[owner]})`;
  switch (code) {
    case "EADDRINUSE":
      return `${owner}.port: cannot listen on ${where}: the port is in use. Free it or choose another ${owner}.port.`;
    case "EACCES":
      return `${owner}.port: cannot listen on ${where}: this user may not open that port. Choose a ${owner}.port above 1023.`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `${owner}.host: cannot listen on ${where}: this machine has no such address. Correct ${owner}.host.`;
    default:
      return `${owner}.port: cannot listen on ${where}: ${error instanceof Error ? error.message : String(error)}.`;
  }
}

/**
 * The same for the charge points' port, whose library says only that it failed; a socket of Node's own learns why. When that one succeeds,
 * somebody held the port a moment ago, or shares it (SO_REUSEPORT) with us only.
 */
export async function whyNoToken(host: string, port: number): Promise<string> {
  const error = (await listenError(host, port)) ?? Object.assign(new Error(), { code: "EADDRINUSE" });
  return whyNotListening("listen", host, port, error);
}

function listenError(host: string, port: number): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", resolve);
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}
