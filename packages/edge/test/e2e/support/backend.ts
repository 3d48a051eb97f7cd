// An operator's backend as a test sees it: plain HTTP, answers the actions of the tests, remembers every request.

import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

/** One request as it came. */
export interface BackendRequest {
  readonly action: string;
  readonly identity: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly headers: IncomingMessage["headers"];
}

/** A running backend. */
export interface Backend {
  readonly url: string;
  readonly requests: BackendRequest[];
  stop(): Promise<void>;
}

const answers: Readonly<Record<string, () => object>> = {
  BootNotification: () => ({ status: "Accepted", currentTime: new Date().toISOString(), interval: 300 }),
  Authorize: () => ({ idTagInfo: { status: "Accepted" } }),
  Heartbeat: () => ({ currentTime: new Date().toISOString() }),
  StartTransaction: () => ({ transactionId: 42, idTagInfo: { status: "Accepted" } }),
  StopTransaction: () => ({}),
  MeterValues: () => ({}),
  StatusNotification: () => ({}),
  TransactionEvent: () => ({}),
  DataTransfer: () => ({ status: "Accepted" }),
};

/** Answers `POST /<action>/<identity>`; 404 for an action it does not know. */
export async function startBackend(): Promise<Backend> {
  const requests: BackendRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const [, action = "", identity = ""] = (request.url ?? "").split("/").map(decodeURIComponent);
      const payload = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
      requests.push({ action, identity, payload, headers: request.headers });
      const answer = answers[action]?.();
      response.writeHead(answer ? 200 : 404, { "content-type": "application/json" });
      response.end(JSON.stringify(answer ?? {}));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
