// Charge points that come and go all the while, in a process of their own: how long a claim takes is measured where nothing
// else runs. Every second one leaves in order; every other moves to another edge while its old socket is half open. I/O: a child process.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Edge } from "./edges.ts";
import type { Fleet, SocketLife, Station } from "./fleet.ts";

/** A socket's life as it travels between the processes. */
export type PlainLife = Omit<SocketLife, "station" | "edge"> & {
  readonly identity: string;
  readonly edge: string;
};

/** What the child is told … */
export type ToChurn =
  | {
      readonly kind: "begin";
      readonly count: number;
      readonly perSecond: number;
      readonly edges: readonly { readonly name: string; readonly port: number }[];
    }
  | { readonly kind: "reachable"; readonly names: readonly string[] }
  | { readonly kind: "end" };

/** … and what it says. */
export type FromChurn =
  | { readonly kind: "noted" }
  | {
      readonly kind: "ended";
      readonly lives: readonly PlainLife[];
      readonly deliveries: readonly {
        readonly command: string;
        readonly life: number;
        readonly atMs: number;
      }[];
    };

/** Prefix of the identities. */
export const churnPrefix = "churn";

/** The churn of one world. */
export class Churn {
  readonly stations: readonly Station[];
  readonly #child: ChildProcess;
  readonly #edges: readonly Edge[];
  readonly #fleet: Fleet;
  #ending: Promise<void> | undefined;

  /** Begins at once: `perSecond` dials at edges that are reachable. */
  constructor(fleet: Fleet, edges: readonly Edge[], perSecond: number) {
    this.#fleet = fleet;
    this.#edges = edges;
    this.stations = fleet.make(perSecond * 5, churnPrefix);
    this.#child = fork(fileURLToPath(new URL("churn-child.ts", import.meta.url)));
    this.#tell({
      kind: "begin",
      count: this.stations.length,
      perSecond,
      edges: edges.map(({ name, port }) => ({ name, port })),
    });
  }

  /** Tells which edges are reachable now; settles once no new connection goes elsewhere, and what is at others is given up. */
  async update(): Promise<void> {
    if (this.#ending) return;
    const noted = once(this.#child, "message");
    this.#tell({
      kind: "reachable",
      names: this.#edges.filter((edge) => edge.isReachable).map(({ name }) => name),
    });
    await noted;
  }

  /** All leave; their lives and what they got are added to the fleet. May be called twice. */
  end(): Promise<void> {
    return (this.#ending ??= this.#end());
  }

  /** Without its results. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }

  async #end(): Promise<void> {
    const answered = once(this.#child, "message");
    this.#tell({ kind: "end" });
    const [answer] = (await answered) as [FromChurn];
    if (answer.kind === "ended") this.#merge(answer);
  }

  #merge({ lives, deliveries }: Extract<FromChurn, { kind: "ended" }>): void {
    const stations = new Map(this.stations.map((station) => [station.identity, station]));
    const edges = new Map(this.#edges.map((edge) => [edge.name, edge]));
    const merged = lives.map((plain): SocketLife | undefined => {
      const [station, edge] = [stations.get(plain.identity), edges.get(plain.edge)];
      if (!station || !edge) return undefined;
      const life = { ...plain, station, edge };
      station.lives.push(life);
      return life;
    });
    for (const { command, life, atMs } of deliveries) {
      const at = merged[life];
      if (at) this.#fleet.deliveries.push({ command, life: at, atMs });
    }
  }

  #tell(message: ToChurn): void {
    this.#child.send(message);
  }
}
