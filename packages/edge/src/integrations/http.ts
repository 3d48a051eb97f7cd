// The `http` integration: one POST per CALL, the answer's JSON becomes the CALLRESULT. See ROUTES.md.
//
// W1. A failure of the backend is tried again until the route's deadline, with the same `ce-id`; then InternalError.
//     So a restart of the backend is a pause and no error, and a transaction message is never refused fast.
// W2. `$connect` and `$disconnect` are tried once.
// W3. Not even a backend's worst answer throws.

import { subprotocolOf } from "@cpg/ocpp";
import type { CallAnswer, InboundCall, Route } from "../integration.ts";
import { untilDeadline, type RetryPorts, type Step } from "../until-deadline.ts";
import { cloudEventHeaders, wellFormed } from "./cloud-event.ts";
import { meaningOf } from "./http-reply.ts";
import type { HttpTarget, TargetRequest } from "./http-target.ts";

/** One route over HTTP. */
export interface HttpRouteOptions {
  readonly name: string;
  /** Path and query; `{action}`, `{identity}` and `{subprotocol}` are replaced, percent-encoded. */
  readonly pathTemplate: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly deadlineMs: number;
  readonly edge: string;
}

/** What it needs besides its target. */
export interface HttpRoutePorts extends RetryPorts {
  readonly newTraceparent: () => string;
}

const timeIsUp: CallAnswer = {
  kind: "fault",
  fault: "internalError",
  description: "the backend did not answer in time",
};

/** Makes a route to `target`. */
export function createHttpRoute(options: HttpRouteOptions, target: HttpTarget, ports: HttpRoutePorts): Route {
  async function attempt(
    call: InboundCall,
    request: TargetRequest,
    signal: AbortSignal,
  ): Promise<Step<CallAnswer>> {
    const startedMs = ports.time.monotonicMs();
    const fetched = await target.fetch(request, signal);
    if (fetched.kind === "none") {
      target.count(fetched.as, startedMs);
      return { kind: "again" };
    }
    const meaning = meaningOf(fetched.reply, call.station.version, call.patience === "hold");
    target.count(meaning.as, startedMs);
    return meaning.kind === "answer" ? { kind: "done", value: meaning.answer } : { kind: "again" };
  }

  async function serve(call: InboundCall): Promise<CallAnswer> {
    const request: TargetRequest = {
      path: expand(options.pathTemplate, call),
      headers: {
        ...options.headers,
        ...cloudEventHeaders(call, {
          edge: options.edge,
          wallMs: ports.time.wallMs(),
          traceparent: ports.newTraceparent(),
        }),
      },
      body: call.payloadJson,
    };
    const patience = {
      deadlineMs: options.deadlineMs,
      attempts: call.patience === "once" ? "once" : "many", // W2
    } as const;
    const answer = await untilDeadline((signal) => attempt(call, request, signal), patience, ports); // W1
    return answer ?? timeIsUp;
  }

  return { name: options.name, kind: "http", serve };
}

function expand(template: string, call: InboundCall): string {
  const values: Readonly<Record<string, string>> = {
    action: call.action,
    identity: call.station.identity,
    subprotocol: subprotocolOf(call.station.version),
  };
  return template.replace(/\{(action|identity|subprotocol)\}/g, (_whole, name: string) =>
    encodeURIComponent(wellFormed(values[name] ?? "")),
  );
}
