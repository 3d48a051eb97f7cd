// The load generator as other packages' tests use it: stations and their CALLs, commands through an edge's API. Re-exports only.

export { Fleet, type Endpoint, type FleetPlan, type FleetState, type TrafficResult } from "./fleet.ts";
export { startCommander, type Commander } from "./commands.ts";
export type { CommandCount, CommandPlan } from "./commander.ts";
export { bootNotification, heartbeat, meterValues } from "./payloads.ts";
