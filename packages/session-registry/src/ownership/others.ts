// What an edge knows of the other edges: their leases, who of them died, and their sessions. Puts those parts together.

import type { Incarnation } from "../model.ts";
import { DeathWatch } from "./death-watch.ts";
import { LeaseWatch } from "./lease-watch.ts";
import { Reaper } from "./reaper.ts";
import { RegistryView } from "./registry-view.ts";
import type { OwnershipPorts, OwnershipSettings } from "./settings.ts";
import { Strangers } from "./strangers.ts";

/** The parts that ownership.ts uses. */
export interface Others {
  readonly leaseWatch: LeaseWatch;
  readonly reaper: Reaper;
  readonly view: RegistryView;
  readonly strangers: Strangers;
}

/**
 * How long a holder counts on its lease and readers wait before they judge, ms. Readers see a renewal up to one poll late and judge up
 * to one poll late: two polls less, and what an edge claimed is unroutable within leaseMs of its last renewal (R7).
 */
export function termMsOf(settings: OwnershipSettings): number {
  return settings.leaseMs - 2 * settings.leasePollMs;
}

/** `own`: of this edge; its incarnation is never judged by itself. */
export function watchOthers(
  settings: OwnershipSettings,
  ports: OwnershipPorts,
  own: { readonly ownIncarnation: () => Incarnation; readonly hasLease: () => boolean },
): Others {
  const { store, time, random, meter } = ports;
  const { leasePollMs, callDeadlineMs, fenceMs } = settings;
  const { ownIncarnation } = own;
  const watch = new DeathWatch(termMsOf(settings), leasePollMs);
  const strangers = new Strangers(termMsOf(settings), time);
  const reaper = new Reaper({
    store,
    time,
    random,
    callDeadlineMs,
    fenceMs,
    courtesyMs: leasePollMs,
    buried({ state }) {
      if (state.kind === "alive") meter.edgeDeclaredDead(state.edge, state.sessions); // who is judged is
    },
  });
  const view = new RegistryView({ store, time, meter, callDeadlineMs, watch, reaper, ownIncarnation });
  const leaseWatch = new LeaseWatch({
    store,
    time,
    watch,
    pollMs: leasePollMs,
    reaper,
    view,
    strangers,
    ...own,
  });
  return { leaseWatch, reaper, view, strangers };
}
