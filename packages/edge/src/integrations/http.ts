// The `http` integration: one POST per CALL, the answer's JSON becomes the CALLRESULT. See ROUTES.md.
//
// W1. A failure of the backend, an attempt that hangs among them (H7), is tried again until the route's deadline, with the
//     same `ce-id`; then InternalError, which says what the last attempt failed of. So a restart of the backend is a pause
//     and no error, and a transaction message is never refused fast.
// W2. `$connect` and `$disconnect` are tried once.
// W3. Not even a backend's worst answer throws.
// W4. Who has waited for a turn in vain has no time left that would be worth another: `overload` ends a CALL.
// W5. Backends can always go on with a trace: a CALL that is not sampled gets a `traceparent` of its own that says so.

import { subprotocolOf } from "@cpg/ocpp";
import type { CallAnswer, InboundCall, Route, RouteTurns } from "../integration.ts";
import { beginAttemptSpan, describeAttempts, endAttemptSpan } from "../spans.ts";
import { untilDeadline, type Expiry, type Patience, type RetryPorts, type Step } from "../until-deadline.ts";
import { commonHeaders, eventHeaders, wellFormed, withTraceparent } from "./cloud-event.ts";
import { meaningOf, type Meaning } from "./http-reply.ts";
import type { Fetched, HttpTarget, TargetRequest } from "./http-target.ts";

/** One route over HTTP. */
export interface HttpRouteOptions {
  readonly name: string;
  /** Path and query; `{action}`, `{identity}` and `{subprotocol}` are replaced, percent-encoded. */
  readonly pathTemplate: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly deadlineMs: number;
  readonly edge: string;
}

/** What it needs besides its target. */
export interface HttpRoutePorts extends RetryPorts {
  readonly newTraceparent: () => string;
  /** Told of each answer that is of no use, in words, and of the error for which none came. */
  readonly onFailure: (problem: Error | string, action: string) => void;
  /** Told of each that came from the backend's own work: a result, or a CALLERROR that it asked for. */
  readonly onAnswer: () => void;
}

/** Why there is no answer, in words that a station may read: those of the network name addresses. */
const withoutAnswer: Readonly<Record<Extract<Fetched, { kind: "none" }>["as"], string>> = {
  badAnswer: "an answer too long",
  timeout: "silence",
  overload: "too many requests before this one",
  circuitOpen: "not asked, it failed too often",
  unreachable: "no connection",
};

/** Makes a route to `target`. */
export function createHttpRoute(options: HttpRouteOptions, target: HttpTarget, ports: HttpRoutePorts): Route {
  const pathOf = pathTemplate(options.pathTemplate);
  const common = commonHeaders(options.edge, options.headers);
  const described = describeAttempts(target.origin, options.pathTemplate);
  const many: Patience = { deadlineMs: options.deadlineMs, attempts: "many" };
  const once: Patience = { ...many, attempts: "once" };

  async function attempt(
    call: InboundCall,
    request: TargetRequest,
    expiry: Expiry,
    isFirst: boolean,
  ): Promise<Step<CallAnswer>> {
    const startedMs = ports.time.monotonicMs();
    const span = call.span && beginAttemptSpan(call.span, described);
    const sent =
      span === undefined
        ? request
        : { ...request, headers: withTraceparent(request.headers, span.traceparent) };
    const fetched = await (isFirst ? target.fetch(sent, expiry) : target.fetchAgain(sent, expiry));
    const meaning: Meaning =
      fetched.kind === "none"
        ? { kind: "failure", as: fetched.as, why: withoutAnswer[fetched.as] }
        : meaningOf(fetched.reply, call.station.version, call.patience === "hold");
    target.count(meaning.as, startedMs + (fetched.waitedMs ?? 0));
    if (span !== undefined) endAttemptSpan(span, meaning.as, fetched);
    if (meaning.kind === "failure") {
      const problem = fetched.kind === "reply" ? meaning.why : fetched.error;
      if (problem !== undefined) ports.onFailure(problem, call.action);
      const otherwise = timeIsUp(meaning.why);
      return meaning.as === "overload" ? { kind: "done", value: otherwise } : { kind: "again", otherwise }; // W4
    }
    if (meaning.why !== undefined) ports.onFailure(meaning.why, call.action);
    else if (meaning.answer.kind !== "fault") ports.onAnswer();
    return { kind: "done", value: meaning.answer };
  }

  function serve(call: InboundCall): Promise<CallAnswer> {
    const event = eventHeaders(call, common, ports.time.wallMs() - call.waitedMs);
    // A sampled CALL's attempts each have their own (W5).
    const headers = call.span === undefined ? withTraceparent(event, ports.newTraceparent()) : event;
    const request: TargetRequest = { path: pathOf(call), headers, body: call.payloadJson };
    let isFirst = true; // its turn has come
    const tries = (expiry: Expiry): Promise<Step<CallAnswer>> => {
      const step = attempt(call, request, expiry, isFirst);
      isFirst = false;
      return step;
    };
    return untilDeadline(tries, patienceOf(call), ports, call); // W1
  }

  function patienceOf({ patience, waitedMs }: InboundCall): Patience {
    const usual = patience === "once" ? once : many; // W2
    return waitedMs === 0 ? usual : { ...usual, deadlineMs: options.deadlineMs - waitedMs };
  }

  const turns = turnsBefore(target, target.patienceOf(options.deadlineMs));
  return { name: options.name, kind: "http", serve, turns };
}

function turnsBefore(target: HttpTarget, patienceMs: number): RouteTurns {
  return {
    get mustWait() {
      return target.turns.mustWait;
    },
    wait: (line, { come, over }) =>
      target.turns.wait(line, patienceMs, {
        come,
        over() {
          target.count("overload");
          over(timeIsUp(withoutAnswer.overload));
        },
      }),
  };
}

function timeIsUp(why: string): CallAnswer {
  const description = `the backend gave no usable answer in time (${why})`;
  return { kind: "fault", fault: "internalError", description };
}

type PathPart = (call: InboundCall) => string;

const variables: ReadonlyMap<string, PathPart> = new Map<string, PathPart>([
  ["{action}", ({ action }) => pathText(action)],
  ["{identity}", ({ station }) => pathText(station.identity)],
  ["{subprotocol}", ({ station }) => subprotocolOf(station.version)],
]);

/** Cuts the template up once, so that a CALL's path is only put together. */
function pathTemplate(template: string): PathPart {
  const pieces = template.split(/(\{(?:action|identity|subprotocol)\})/);
  const parts = pieces.map((piece): PathPart => variables.get(piece) ?? (() => piece));
  return (call) => {
    let path = "";
    for (const part of parts) path += part(call);
    return path;
  };
}

const isUnreserved = /^[\w.~-]*$/;

function pathText(text: string): string {
  return isUnreserved.test(text) ? text : encodeURIComponent(wellFormed(text));
}
