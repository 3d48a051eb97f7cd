// The table of scenarios, in the order in which `--list` shows them.

import { messages } from "./scenarios/messages.ts";
import type { Scenario } from "./scenario.ts";

/** All of them. */
export const scenarios: readonly Scenario[] = [messages];
