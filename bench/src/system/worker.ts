// Child processes of the benchmark's own that are asked over IPC: load generators and baselines. I/O: processes.
//
// W1. A worker ends when its parent's end of the channel is gone, however that happened.
// W2. A worker that ends while it is asked rejects what was asked: nothing waits for ever.
// W3. One that is killed, by the kernel for want of memory or by V8, is for a person to mend; one that ends by itself is a bug.

import { fork, type ChildProcess } from "node:child_process";
import { basename } from "node:path";

import { BenchError } from "../scenario.ts";
import { childEnvironment } from "./environment.ts";

/** A running worker. */
export interface Worker {
  readonly pid: number;
  /** Asks it; rejects with its error, or when it ends. The answer is JSON of the asked method's type. */
  ask<R>(method: string, params?: object): Promise<R>;
  stop(): Promise<void>;
}

interface Reply {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** Starts `file` (a built module that calls `serve`). */
export function startWorker(file: URL): Promise<Worker> {
  const child = fork(file, {
    execArgv: [],
    env: childEnvironment(process.env),
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    detached: true,
  });
  const waiting = new Map<number, Waiting>();
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.on("message", (reply: Reply) => {
    const asked = waiting.get(reply.id);
    waiting.delete(reply.id);
    if (reply.error === undefined) asked?.resolve(reply.value);
    else asked?.reject(new Error(reply.error));
  });
  child.once("exit", () => {
    for (const asked of waiting.values()) asked.reject(endOf(child, file)); // W2
    waiting.clear();
  });
  return started(child, { file, waiting, exited, next: 0 });
}

// W3
function endOf({ exitCode, signalCode }: ChildProcess, file: URL): Error {
  const name = basename(file.pathname, ".js");
  if (signalCode === null) return new Error(`${file.pathname} ended (exit code ${exitCode})`);
  return new BenchError(
    `the bench's own process ${name} was ended by ${signalCode}: too little memory for so many stations?`,
  );
}

interface Channel {
  readonly file: URL;
  readonly waiting: Map<number, Waiting>;
  readonly exited: Promise<void>;
  next: number;
}

function started(child: ChildProcess, channel: Channel): Promise<Worker> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("spawn", () => {
      resolve({
        pid: child.pid ?? 0,
        ask: <R>(method: string, params: object = {}) =>
          new Promise<R>((answer, fail) => {
            const id = (channel.next += 1);
            channel.waiting.set(id, { resolve: (value) => answer(value as R), reject: fail });
            const hasEnded = child.exitCode !== null || child.signalCode !== null;
            if (hasEnded) fail(endOf(child, channel.file));
            // What cannot be sent any more is rejected at its end, which follows (W2).
            else child.send({ id, method, params }, () => undefined);
          }),
        async stop() {
          child.kill("SIGKILL");
          await channel.exited;
        },
      });
    });
  });
}

interface Question {
  readonly id: number;
  readonly method: string;
  readonly params: unknown;
}

/** The worker's side: answers questions by `methods` until the parent is gone (W1). */
export function serve(methods: Readonly<Record<string, (params: never) => unknown>>): void {
  process.on("disconnect", () => process.exit(0)); // W1
  process.on("message", (question: Question) => {
    const method = methods[question.method];
    const answer = async (): Promise<unknown> => {
      if (method === undefined) throw new Error(`no method ${question.method}`);
      return method(question.params as never);
    };
    answer().then(
      (value) => process.send?.({ id: question.id, value: value ?? null }),
      (error: unknown) => process.send?.({ id: question.id, error: String(error) }),
    );
  });
}
