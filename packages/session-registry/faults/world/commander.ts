// A stream of commands through the edges' management APIs, each with an id of its own, each sent once. I/O: HTTP.

import type { Edge } from "./edges.ts";
import { isOpen, type Station } from "./fleet.ts";
import { chance, every, nowMs } from "./time.ts";

/** One command, from its post to its answer. */
export interface Command {
  readonly id: string;
  readonly station: Station;
  readonly via: Edge;
  readonly postedAtMs: number;
  /** undefined: not answered yet. 0: no HTTP answer at all. */
  status: number | undefined;
  endedAtMs: number | undefined;
  ownership: "verified" | "unverified" | undefined;
  /** Edge that says it holds the socket. */
  answeredBy: string | undefined;
  problem: string | undefined;
}

/** Sends commands and keeps all of them. */
export class Commander {
  readonly commands: Command[] = [];
  readonly #timeoutMs: number;
  #stop: (() => void) | undefined;
  #open = 0;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** Sends one and waits for its end; never rejects. */
  async send(station: Station, via: Edge, timeoutMs = this.#timeoutMs): Promise<Command> {
    const command: Command = {
      id: `c${this.commands.length}`,
      station,
      via,
      postedAtMs: nowMs(),
      status: undefined,
      endedAtMs: undefined,
      ownership: undefined,
      answeredBy: undefined,
      problem: undefined,
    };
    this.commands.push(command);
    this.#open++;
    try {
      const response = await fetch(`${via.api}/v1/charge-points/${station.identity}/commands`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({
          action: "DataTransfer",
          payload: { vendorId: "faults", messageId: command.id },
          timeoutMs,
        }),
        signal: AbortSignal.timeout(timeoutMs + 60_000),
      });
      const body = (await response.json()) as {
        ownership?: "verified" | "unverified";
        edge?: string;
        type?: string;
      };
      command.status = response.status;
      command.ownership = body.ownership;
      command.answeredBy = body.edge;
      command.problem = body.type;
    } catch (error) {
      command.status = 0;
      command.problem = error instanceof Error ? error.name : String(error);
    }
    command.endedAtMs = nowMs();
    this.#open--;
    return command;
  }

  /**
   * `perSecond` commands to stations by chance, through edges by chance: four of five to one of `steady` that is connected,
   * the fifth to one of `moving`, wherever that may be.
   */
  start(
    targets: { readonly steady: readonly Station[]; readonly moving: readonly Station[] },
    edges: readonly Edge[],
    perSecond: number,
  ): void {
    const perTick = perSecond / 20;
    let due = 0;
    this.#stop = every(50, () => {
      for (due += perTick; due >= 1; due--) {
        const isMoving = this.commands.length % 5 === 0;
        const station = pick(isMoving ? targets.moving : targets.steady);
        const via = pick(edges.filter((edge) => edge.isReachable));
        if (station && via && this.#open < 2000 && (isMoving || isOpen(station.current)))
          void this.send(station, via);
      }
    });
  }

  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  /** One command to each, through random edges, `width` at a time. */
  async sweep(stations: readonly Station[], edges: readonly Edge[], width = 48): Promise<Command[]> {
    const results: Command[] = [];
    const rest = [...stations];
    const worker = async (): Promise<void> => {
      for (let station = rest.pop(); station; station = rest.pop()) {
        const via = pick(edges.filter((edge) => edge.isReachable));
        if (via) results.push(await this.send(station, via));
      }
    };
    await Promise.all(Array.from({ length: width }, worker));
    return results;
  }
}

/** One of several, by chance. */
export function pick<T>(items: readonly T[]): T | undefined {
  return items[Math.floor(chance() * items.length)];
}
