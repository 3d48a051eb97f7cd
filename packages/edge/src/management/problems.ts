// What a caller of the management API sees when it does not get what it asked for: one table (RFC 9457). Pure.
//
// Every row says what happened and what to do. API.md repeats the table; a test compares the two.

/** One kind of problem. `advice` is the `detail` that is sent when there is nothing more exact to say. */
interface ProblemRow {
  readonly status: number;
  readonly title: string;
  readonly advice: string;
}

/** Every problem this API answers with, by the last part of its `type` (`urn:cpg:problem:…`). */
export const problems = {
  "invalid-request": {
    status: 400,
    title: "The request is not valid",
    advice: "Correct the request; /v1/openapi.json describes it.",
  },
  "invalid-identity": {
    status: 400,
    title: "The charge point's identity is not valid",
    advice: "Percent-encode the identity once; it is 1 to 255 bytes without slash or control characters.",
  },
  "invalid-cursor": {
    status: 400,
    title: "The cursor is not valid",
    advice: "Take the cursor from the page before, or leave it out to begin again.",
  },
  unauthorized: {
    status: 401,
    title: "The bearer token is missing or wrong",
    advice: "Send `Authorization: Bearer <token>` with the token of the setting management.token.",
  },
  offline: {
    status: 404,
    title: "The charge point is not connected",
    advice: "No edge holds a connection of this identity. Nothing was sent; try again when it is connected.",
  },
  "not-found": {
    status: 404,
    title: "There is no such resource",
    advice: "Look the method and path up in /v1/openapi.json.",
  },
  "request-timeout": {
    status: 408,
    title: "The request did not arrive in time",
    advice: "Send the whole request at once.",
  },
  "body-too-large": {
    status: 413,
    title: "The body is too large",
    advice: "Send a smaller body; no charge point takes messages of that size.",
  },
  "unsupported-media-type": {
    status: 415,
    title: "The body is not JSON",
    advice: "Send `Content-Type: application/json`.",
  },
  "expectation-failed": {
    status: 417,
    title: "The expectation cannot be met",
    advice: "Leave the header Expect out, or send `Expect: 100-continue`.",
  },
  "line-full": {
    status: 429,
    title: "The charge point has too many commands waiting",
    advice:
      "A charge point answers one command at a time. Nothing was sent; try again after Retry-After seconds.",
  },
  "edge-busy": {
    status: 429,
    title: "The edge has too many commands open",
    advice: "Nothing was sent; try again after Retry-After seconds.",
  },
  "headers-too-large": {
    status: 431,
    title: "The request's headers are too large",
    advice: "Send fewer or shorter headers, or a shorter URL.",
  },
  internal: {
    status: 500,
    title: "The edge failed",
    advice:
      "This is a fault of the gateway: its log names the error. What became of the request is not known.",
  },
  "registry-away": {
    status: 503,
    title: "The session registry cannot be asked",
    advice:
      "Who holds this charge point cannot be confirmed now. Nothing was sent; try again after Retry-After seconds.",
  },
  leaving: {
    status: 503,
    title: "The charge point's connection is being ended",
    advice:
      "Its edge shuts down, or closes it. Nothing was sent; try again after Retry-After seconds, when it has come back.",
  },
  stopping: {
    status: 503,
    title: "This edge shuts down",
    advice: "Nothing was sent; ask another edge, or this one after Retry-After seconds.",
  },
  "no-answer": {
    status: 504,
    title: "The charge point did not answer in time",
    advice:
      "`delivery` says what is known: only after `notSent` is it certain that repeating it does not do it twice.",
  },
} as const satisfies Record<string, ProblemRow>;

/** Name of a problem. */
export type ProblemName = keyof typeof problems;

/** What one occurrence adds to its row. */
export interface ProblemExtras {
  /** Replaces the row's advice. */
  readonly detail?: string;
  /** Becomes the header Retry-After, in seconds, rounded up. */
  readonly retryAfterMs?: number;
  /** More members of the body. */
  readonly members?: Readonly<Record<string, unknown>>;
}

/** A problem on its way to the caller: thrown by routes, answered by the error handler in one place. */
export class HttpProblem extends Error {
  override readonly name = "HttpProblem";
  readonly problem: ProblemName;
  readonly extras: ProblemExtras;

  constructor(problem: ProblemName, extras: ProblemExtras = {}) {
    super(problems[problem].title);
    this.problem = problem;
    this.extras = extras;
  }
}

/** An answer, ready to be written. */
export interface ProblemAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Media type of every problem. */
export const problemMediaType = "application/problem+json";

/** Makes the answer of a problem. */
export function problemAnswer(name: ProblemName, extras: ProblemExtras = {}): ProblemAnswer {
  const row: ProblemRow = problems[name];
  const headers: Record<string, string> = { "content-type": problemMediaType };
  if (extras.retryAfterMs !== undefined) {
    headers["retry-after"] = String(Math.max(1, Math.ceil(extras.retryAfterMs / 1000)));
  }
  if (name === "unauthorized") headers["www-authenticate"] = 'Bearer realm="charge point gateway"';
  const { title, status } = row;
  const detail = extras.detail ?? row.advice;
  const body = { type: `urn:cpg:problem:${name}`, title, status, detail, ...extras.members };
  return { status, headers, body: JSON.stringify(body) };
}
