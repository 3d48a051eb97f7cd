// Brings sockets, lifecycle events and commands together: who was registered when, and what a command should have met. Pure.

import type { Command } from "./commander.ts";
import type { Delivery, SocketLife, Station } from "./fleet.ts";
import type { SeenEvent } from "./observer.ts";

/** Redis and this process read the same clock, but at different roundings, ms. */
const roundingMs = 5;

/** The first grant of each socket, and all events by identity. */
export class Ledger {
  readonly byIdentity: ReadonlyMap<string, readonly SeenEvent[]>;
  readonly #grants = new Map<SocketLife, SeenEvent>();

  constructor(stations: readonly Station[], events: readonly SeenEvent[]) {
    this.byIdentity = Map.groupBy(events, ({ identity }) => identity);
    for (const station of stations) {
      for (const event of this.byIdentity.get(station.identity) ?? []) {
        if (event.kind !== "connected") continue;
        const life = newestDialledBefore(station, event);
        if (life && !this.#grants.has(life)) this.#grants.set(life, event);
      }
    }
  }

  /** The `connected` event of a socket, if it was ever registered. */
  grantOf(life: SocketLife): SeenEvent | undefined {
    return this.#grants.get(life);
  }

  /** From dialling to registered, ms, of the sockets that `isMeant`. */
  latencies(
    stations: readonly Station[],
    isMeant: (life: SocketLife, grant: SeenEvent) => boolean,
  ): number[] {
    return stations.flatMap(({ lives }) =>
      lives.flatMap((life) => {
        const grant = this.grantOf(life);
        return grant && isMeant(life, grant) ? [Math.max(0, grant.atMs - life.dialledAtMs)] : [];
      }),
    );
  }

  /**
   * Whether a newer socket of the station had been registered before the command was posted, and was still there. (Where the newer
   * one has left again, the older, if its edge still holds it, is the newest: it may be registered again.)
   */
  wasSuperseded({ life }: Delivery, command: Command): boolean {
    return life.station.lives.some((other) => {
      if (other.serial <= life.serial) return false;
      const grant = this.grantOf(other);
      const isThere = other.closedAtMs === undefined || other.closedAtMs > command.postedAtMs;
      return isThere && grant !== undefined && grant.atMs + roundingMs < command.postedAtMs;
    });
  }
}

/** An edge's event belongs to the newest socket the station had dialled there by then. */
function newestDialledBefore(station: Station, event: SeenEvent): SocketLife | undefined {
  return station.lives.findLast(
    (life) => life.edge.name === event.edge && life.dialledAtMs - roundingMs <= event.atMs,
  );
}

/** What the lifecycle stream says that it must not. */
export interface StreamFaults {
  /** One event id more than once. */
  readonly repeated: readonly string[];
  /** An end without a beginning, or epochs that do not grow. */
  readonly contradictions: readonly string[];
  /** Epochs that began, are no one's row, and have no end. */
  readonly unended: readonly SeenEvent[];
}

/** Checks every epoch of every identity. `rowEpoch`: epoch of the row that stands now. */
export function judgeStream(
  byIdentity: ReadonlyMap<string, readonly SeenEvent[]>,
  rowEpoch: (identity: string) => number | undefined,
): StreamFaults {
  const repeated: string[] = [];
  const contradictions: string[] = [];
  const unended: SeenEvent[] = [];
  for (const [identity, events] of byIdentity) {
    const seen = new Set<string>();
    const open = new Map<number, SeenEvent>();
    let greatest = 0;
    for (const event of events) {
      if (seen.has(event.id)) {
        repeated.push(event.id);
        continue;
      }
      seen.add(event.id);
      if (event.kind === "connected") {
        if (event.epoch <= greatest) contradictions.push(`${event.id} after ${greatest}`);
        greatest = Math.max(greatest, event.epoch);
        open.set(event.epoch, event);
      } else if (!open.delete(event.epoch)) {
        contradictions.push(`${event.id} without a beginning`);
      }
    }
    open.delete(rowEpoch(identity) ?? 0);
    unended.push(...open.values());
  }
  return { repeated, contradictions, unended };
}
