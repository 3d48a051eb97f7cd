// Parameters that several scenarios take alike, and what this host's descriptors do not allow. I/O: reads /proc.

import { descriptorRefusal } from "../host/load-limits.ts";
import { readHostLimits } from "../host/limits.ts";
import { valueOf, type Parameter, type Values } from "../scenario.ts";

/** Load generators. */
export const clients: Parameter = {
  name: "clients",
  default: 2,
  min: 1,
  max: 16,
  unit: "processes",
  meaning: "load generators",
};

/** Rounds in turn between the subjects. */
export function rounds(count: number): Parameter {
  return {
    name: "rounds",
    default: count,
    min: 1,
    max: 100,
    unit: "rounds",
    meaning: "of which the median counts",
  };
}

/** Rounds that are not counted, before those that are. */
export function warmUp(count: number): Parameter {
  return {
    name: "warm-up",
    default: count,
    min: 0,
    max: 100,
    unit: "rounds",
    meaning: "before them, not counted: what is compiled then is no unit of work's cost",
  };
}

/** Length of a measured stretch; CPU time steps by 10 ms, so not too short. */
export function seconds(count: number, meaning: string): Parameter {
  return { name: "seconds", default: count, min: 0.5, max: 600, unit: "s", meaning, isFraction: true };
}

/**
 * `refuse` of a scenario with the parameters `stations` and perhaps `clients`: what this host's descriptors do not allow.
 * `edges`: how many share the stations at the fullest moment.
 */
export function refuseBeyondDescriptors(edges = 1): (values: Values) => string | undefined {
  return (values) =>
    descriptorRefusal(readHostLimits(), {
      stations: valueOf(values, "stations"),
      clients: values["clients"] ?? 1,
      edges,
    });
}
