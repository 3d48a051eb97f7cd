// The table of scenarios, in the order in which `--list` shows them.

import { accept } from "./scenarios/accept.ts";
import { ciOf } from "./scenarios/ci.ts";
import { commands } from "./scenarios/commands.ts";
import { density } from "./scenarios/density.ts";
import { doctor } from "./scenarios/doctor.ts";
import { faults } from "./scenarios/faults.ts";
import { messages } from "./scenarios/messages.ts";
import { pool } from "./scenarios/pool.ts";
import { soak } from "./scenarios/soak.ts";
import { staged } from "./scenarios/staged.ts";
import { storm } from "./scenarios/storm.ts";
import { telemetry } from "./scenarios/telemetry.ts";
import type { Scenario } from "./scenario.ts";

const single: readonly Scenario[] = [
  doctor,
  staged,
  storm,
  pool,
  density,
  accept,
  messages,
  commands,
  telemetry,
  soak,
  faults,
];

/** All of them. */
export const scenarios: readonly Scenario[] = [...single, ciOf(single)];
