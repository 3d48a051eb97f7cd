// Commands through an edge's API, sent by a process of its own (commander.ts); this side lives with whoever asks for them.

import { startWorker } from "../system/worker.ts";
import type { CommandCount, CommandPlan } from "./commander.ts";

/** A running commander. */
export interface Commander {
  /** Settles when all commands of the plan have ended, however. Several runs may go on at a time. Rejects after `stop`. */
  run(plan: CommandPlan): Promise<CommandCount>;
  stop(): Promise<void>;
}

/** Starts one. */
export async function startCommander(): Promise<Commander> {
  const worker = await startWorker(new URL("commander.js", import.meta.url));
  return { run: (plan) => worker.ask<CommandCount>("run", plan), stop: () => worker.stop() };
}
