// A question to an edge over HTTP. I/O: HTTP.
//
// Q1. It has an end. The kernel takes a connection for an edge that hangs, and fetch by itself would wait for its answer for five minutes.

import { BenchError } from "../scenario.ts";

/** What was answered. */
export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** A storm may hold an edge's event loop for some seconds; one that says nothing for so long hangs. */
const answerMs = 20_000;

/** GETs it. Errors: BenchError if no answer came within `limitMs`; fetch's own if nobody is there, or goes in the middle. */
export async function ask(url: string, limitMs: number = answerMs): Promise<Answer> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(limitMs) }); // Q1
    return { status: answer.status, text: await answer.text() };
  } catch (error) {
    if ((error as Error).name !== "TimeoutError") throw error;
    throw new BenchError(`the gateway does not answer: ${url}: nothing within ${limitMs / 1000} s`, {
      cause: error,
    });
  }
}
