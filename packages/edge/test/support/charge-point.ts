// A charge point that shows everything: every frame it got, how it was closed, and how its upgrade was refused.

import { once } from "node:events";
import { eventually } from "@cpg/testkit";
import { WebSocket, type ClientOptions } from "ws";

export interface Refused {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** A frame, read generously: whichever fields its type has. */
export interface Answer {
  readonly type: number;
  readonly id: string;
  /** CALLRESULT: its payload. CALL: its payload. */
  readonly payload: Readonly<Record<string, unknown>>;
  /** CALL only. */
  readonly action: string;
  /** CALLERROR only. */
  readonly code: string;
  readonly description: string;
  readonly details: unknown;
}

export function readFrame(text: string): Answer {
  const parts: readonly [number, string, string, ...Record<string, unknown>[]] = JSON.parse(text);
  const [type, id, third, fourth, fifth] = parts;
  const result: readonly [number, string, Record<string, unknown>] = JSON.parse(text);
  return {
    type,
    id,
    payload: type === 3 ? result[2] : (fourth ?? {}),
    action: type === 2 ? third : "",
    code: type === 4 || type === 5 ? third : "",
    description: type === 4 || type === 5 ? (typeof fourth === "string" ? fourth : "") : "",
    details: fifth,
  };
}

export class ChargePoint {
  readonly ws: WebSocket;
  readonly frames: string[] = [];
  closed: { code: number; reason: string } | undefined;

  constructor(ws: WebSocket) {
    this.ws = ws;
    ws.on("message", (data: Buffer) => this.frames.push(data.toString()));
    ws.on("close", (code, reason) => (this.closed = { code, reason: reason.toString() }));
    ws.on("error", () => undefined);
  }

  get parsed(): Answer[] {
    return this.frames.map(readFrame);
  }

  send(frame: unknown): void {
    this.ws.send(typeof frame === "string" ? frame : JSON.stringify(frame));
  }

  /** The first answer with this message id. */
  answerTo(id: string): Promise<Answer> {
    return eventually(() =>
      present(
        this.parsed.find((frame) => frame.type !== 2 && frame.id === id),
        `answer to ${id}`,
      ),
    );
  }

  async call(id: string, action: string, payload: object = {}): Promise<Answer> {
    this.send([2, id, action, payload]);
    return this.answerTo(id);
  }

  /** The nth frame it got. */
  frame(index: number): Promise<Answer> {
    return eventually(() => present(this.parsed[index], `frame ${String(index)}`));
  }

  /** The nth CALL it got. */
  command(index: number): Promise<Answer> {
    return eventually(() => present(this.parsed.filter((frame) => frame.type === 2)[index], "CALL"));
  }

  ended(): Promise<{ code: number; reason: string }> {
    return eventually(() => present(this.closed, "a close"));
  }
}

function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`no ${what} yet`);
  return value;
}

export async function connect(
  url: string,
  protocols: string[] = ["ocpp1.6"],
  options: ClientOptions = {},
): Promise<ChargePoint> {
  const ws = new WebSocket(url, protocols, options);
  const chargePoint = new ChargePoint(ws); // before the first frame can come
  await once(ws, "open");
  return chargePoint;
}

/** Connects where a refusal is expected. */
export function refused(
  url: string,
  protocols: string[] = ["ocpp1.6"],
  options: ClientOptions = {},
): Promise<Refused> {
  const ws = new WebSocket(url, protocols, options);
  return new Promise((resolve, reject) => {
    ws.on("open", () => reject(new Error("the upgrade was accepted")));
    ws.on("error", reject);
    ws.on("unexpected-response", (_request, response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => (body += chunk.toString()));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      );
    });
  });
}
