// The headers of a request as one text, and their way past undici's own making of them.
//
// undici checks the name and the value of each header, keeps both in a list, and puts them together one by one: of the fourteen of a CALL
// that was a twelfth of all CPU that an edge takes for it (bench/README.md, *History*).
//
// K1. undici tells of each request that it has made, before it writes it, and shows the list of its headers (`undici:request:create`, a channel of
//     node:diagnostics_channel that its documentation describes). There the text takes its place, as one of them.
// K2. So nobody checks it. It is ASCII, and CR and LF stand in it only between two headers: who makes one sees to that (cloud-event.ts).
// K3. The body carries it, for nothing else of a request that undici tells of is ours. So each request has a body, which is not empty.

import { subscribe } from "node:diagnostics_channel";

/** `value CRLF name: value CRLF name: value …`, the first being the value of `content-type` (K2). */
export type HeaderBlock = string & { readonly __brand: "HeaderBlock" };

const carried = Symbol("headers");

interface Carrier {
  [carried]?: HeaderBlock;
}

/** The part of undici's request that is used. */
interface MadeRequest {
  readonly headers: string[];
  readonly body: Carrier | null;
}

// K1. Once for the process. Who else uses undici has no block, and is left alone.
subscribe("undici:request:create", (message) => {
  const { request } = message as { readonly request: MadeRequest };
  const block = request.body?.[carried];
  if (block !== undefined) request.headers.push("content-type", block);
});

/** The body of one request, with the headers that it is sent with (K3). */
export function bodyWith(block: HeaderBlock, text: string): Buffer {
  const body: Buffer & Carrier = Buffer.from(text);
  body[carried] = block;
  return body;
}
