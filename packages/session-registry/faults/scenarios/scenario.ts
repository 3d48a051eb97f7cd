// What a scenario is. Types only.

import type { Context } from "../world/world.ts";

/** One fault. `run` fills the report; it throws only when the world itself could not be built. */
export interface Scenario {
  readonly name: string;
  readonly summary: string;
  /** Whether --quick runs it when no scenario is named. */
  readonly inQuick: boolean;
  readonly run: (context: Context) => Promise<void>;
}
