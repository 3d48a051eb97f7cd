// Whether a new charge point may come in now. Pure in what it is given.

import type { Ownership } from "@cpg/session-registry";
import type { RefusalReason } from "./instruments.ts";

/** The answer, with the label under which a refusal is counted. */
export type EdgeAdmission =
  | { readonly kind: "open" }
  | { readonly kind: "closed"; readonly reason: RefusalReason; readonly retryAfterMs: number };

/** What decides. */
export interface AdmissionPorts {
  readonly ownership: Pick<Ownership, "admission">;
  readonly connections: () => number;
  readonly isDraining: () => boolean;
  readonly maxConnections: number;
}

const isOpen: EdgeAdmission = { kind: "open" };
const registryReasons = {
  "registry-away": "registryAway",
  "owed-full": "registryAway",
  "other-layout": "registryAway",
  stopping: "draining",
} as const;

/** Makes the question of an edge. `retryAfterMs` 0: no better knowledge than the setting. */
export function createAdmission(ports: AdmissionPorts): () => EdgeAdmission {
  return () => {
    if (ports.isDraining()) return { kind: "closed", reason: "draining", retryAfterMs: 0 };
    if (ports.connections() >= ports.maxConnections) {
      return { kind: "closed", reason: "capacity", retryAfterMs: 0 };
    }
    const admission = ports.ownership.admission();
    if (admission.kind === "open") return isOpen;
    return {
      kind: "closed",
      reason: registryReasons[admission.reason],
      retryAfterMs: admission.retryAfterMs,
    };
  };
}
