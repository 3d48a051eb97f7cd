// The headers of a request as one text, and their way past undici's own making of them.
//
// undici checks the name and the value of each header, keeps both in a list, and puts them together one by one: of the fourteen of a CALL
// that was a twelfth of all CPU that an edge takes for it (bench/README.md, *History*).
//
// K1. undici tells of each request that it has made, before it writes it, and shows the list of its headers (`undici:request:create`, a channel of
//     node:diagnostics_channel). There the text takes its place, as one of them. That it is written as it stands is nothing that undici promises: its
//     version is pinned, and tests read what arrives. A request of which the text was not taken is not sent (http-exchange.ts).
// K2. Nobody checks it. It is ASCII, and CR and LF stand in it only between two headers: who makes one sees to that (cloud-event.ts, and routes-file.ts
//     for what an operator writes).
// K3. The body carries it, for nothing else of a request that undici tells of is ours. So each request has a body, which is not empty.
// K4. To others who listen to that channel it is the value of `content-type`, an operator's `authorization` in it.

import { subscribe } from "node:diagnostics_channel";

/** `value CRLF name: value CRLF name: value …`, the first being the value of `content-type` (K2). */
export type HeaderBlock = string & { readonly __brand: "HeaderBlock" };

/** A request of ours. */
export interface HeaderCarrier {
  /** Gives its headers away, once. */
  takeHeaders(): HeaderBlock | undefined;
}

const carried = Symbol("headers");

interface CarryingBody {
  [carried]?: HeaderCarrier;
}

/** The part of undici's request that is used. */
interface MadeRequest {
  readonly headers: string[];
  readonly body: CarryingBody | null;
}

// K1. Once for the process. Who else uses undici has no carrier, and is left alone.
subscribe("undici:request:create", (message) => {
  const { request } = message as { readonly request: MadeRequest };
  const block = request.body?.[carried]?.takeHeaders();
  if (block !== undefined) request.headers.push("content-type", block);
});

/** The body of one request, which brings its headers to undici (K3). */
export function bodyOf(request: HeaderCarrier, text: string): Buffer {
  const body: Buffer & CarryingBody = Buffer.from(text);
  body[carried] = request;
  return body;
}
