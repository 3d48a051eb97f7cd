// The edge process: composition for processes and tests.

export { startEdge } from "./edge.ts";
export type { DrainEnd, EdgeLogger, EdgeParts, EdgeSettings, RunningEdge } from "./edge.ts";
export type { CallOutcome, CloseCause, Delivery, LiveSession, SessionTable } from "./session-port.ts";
