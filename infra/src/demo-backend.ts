// A backend to try the gateway with: plain HTTP functions, one per OCPP action. I/O: an HTTP server.
// It shows what a real one has to do, in the smallest form: read the payload, answer JSON, be idempotent.
//
// B1. The same CALL (header `ce-id`) gets the same answer: the gateway tries again when it saw none.
// B2. An action it does not know is 501, which the gateway turns into NotImplemented.

import { createServer, type IncomingMessage } from "node:http";

/** A running demo backend. */
export type DemoBackend = {
  readonly port: number;
  /** How many CALLs it has answered, by action. */
  readonly counts: () => Readonly<Record<string, number>>;
  readonly close: () => Promise<void>;
};

type Payload = Readonly<Record<string, unknown>>;
type Answer = { readonly status: number; readonly body: unknown };

const maxBodyBytes = 1024 * 1024;
/** Answers that are remembered (B1): more than a demo has open at once. */
const maxRemembered = 10_000;

const accepted = { status: "Accepted" };
const rejected = { status: "Rejected" };

/** The process' start in seconds, so that a restarted demo does not give out the same ids again. */
let lastTransactionId = Math.floor(performance.timeOrigin / 1000);

/** What is answered to each action. 1.6 and 2.x differ by the fields they send: `idTag` is 1.6, `idToken` 2.x. */
const answers: Readonly<Record<string, (payload: Payload) => unknown>> = {
  BootNotification: () => ({ ...accepted, currentTime: new Date().toISOString(), interval: 300 }),
  Heartbeat: () => ({ currentTime: new Date().toISOString() }),
  Authorize: (payload) => ("idTag" in payload ? { idTagInfo: accepted } : { idTokenInfo: accepted }),
  // 1.6
  StartTransaction: () => ({ transactionId: ++lastTransactionId, idTagInfo: accepted }),
  StopTransaction: (payload) => ("idTag" in payload ? { idTagInfo: accepted } : {}),
  DiagnosticsStatusNotification: () => ({}),
  // 2.0.1, 2.1
  TransactionEvent: (payload) => ("idToken" in payload ? { idTokenInfo: accepted } : {}),
  SignCertificate: () => rejected,
  NotifyEVChargingNeeds: () => rejected,
  NotifyEVChargingSchedule: () => accepted,
  // all
  DataTransfer: () => ({ status: "UnknownVendorId" }),
  ...Object.fromEntries(
    [
      "StatusNotification",
      "MeterValues",
      "FirmwareStatusNotification",
      "SecurityEventNotification",
      "LogStatusNotification",
      "NotifyReport",
      "NotifyEvent",
      "NotifyMonitoringReport",
      "NotifyCustomerInformation",
      "NotifyDisplayMessages",
      "NotifyChargingLimit",
      "ClearedChargingLimit",
      "ReportChargingProfiles",
      "ReservationStatusUpdate",
      "PublishFirmwareStatusNotification",
    ].map((action) => [action, () => ({})]),
  ),
};

/** Starts it on `port` of 127.0.0.1 (0: any free one). Rejects if the port is taken. */
export async function startDemoBackend(port: number): Promise<DemoBackend> {
  const counts: Record<string, number> = {};
  const remembered = new Map<string, Answer>();
  const server = createServer((request, response) => {
    const reply = ({ status, body }: Answer): void => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    if (request.method === "GET") return reply({ status: 200, body: counts });
    return void answer(request, counts, remembered).then(reply, () =>
      reply({ status: 400, body: { title: "bad request" } }),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : port,
    counts: () => ({ ...counts }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  request: IncomingMessage,
  counts: Record<string, number>,
  remembered: Map<string, Answer>,
): Promise<Answer> {
  const payload = await readPayload(request);
  const id = headerOf(request, "ce-id");
  const known = id === undefined ? undefined : remembered.get(id);
  if (known !== undefined) return known; // B1
  const action = actionOf(request);
  counts[action] = (counts[action] ?? 0) + 1;
  const given = serve(action, payload);
  if (id !== undefined) remember(remembered, id, given);
  return given;
}

function serve(action: string, payload: Payload): Answer {
  // `$connect` and `$disconnect` are told, not asked.
  if (action.startsWith("$")) return { status: 200, body: {} };
  const known = Object.hasOwn(answers, action) ? answers[action] : undefined;
  return known === undefined
    ? { status: 501, body: { title: `${action} is not implemented` } } // B2
    : { status: 200, body: known(payload) };
}

function remember(remembered: Map<string, Answer>, id: string, given: Answer): void {
  remembered.set(id, given);
  const [oldest] = remembered.keys();
  if (remembered.size > maxRemembered && oldest !== undefined) remembered.delete(oldest);
}

async function readPayload(request: IncomingMessage): Promise<Payload> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBodyBytes) throw new RangeError("the body is too large");
    chunks.push(chunk);
  }
  const payload: unknown = JSON.parse(Buffer.concat(chunks).toString("utf8") || "{}");
  if (typeof payload !== "object" || payload === null) throw new TypeError("the payload is no object");
  return { ...payload };
}

// The event's type is `ocpp1.6.BootNotification`, or `cpg.connect` and `cpg.disconnect`.
function actionOf(request: IncomingMessage): string {
  const type = headerOf(request, "ce-type") ?? "";
  return type.startsWith("cpg.") ? `$${type.slice(4)}` : type.slice(type.lastIndexOf(".") + 1);
}

function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === "string" ? value : undefined;
}
