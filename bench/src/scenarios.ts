// The table of scenarios, in the order in which `--list` shows them.

import { accept } from "./scenarios/accept.ts";
import { doctor } from "./scenarios/doctor.ts";
import { messages } from "./scenarios/messages.ts";
import { staged } from "./scenarios/staged.ts";
import type { Scenario } from "./scenario.ts";

/** All of them. */
export const scenarios: readonly Scenario[] = [doctor, staged, accept, messages];
