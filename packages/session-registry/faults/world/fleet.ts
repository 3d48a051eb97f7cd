// Simulated charge points: their sockets, heartbeats and what reached them. I/O: TCP.
//
// F1. Every socket that ever was is remembered with its moments, so that the audit can tell afterwards who was the newest when.
// F2. Every command is remembered on the socket that got it, answered or not.
// F3. A silent socket is half open as the edge sees it: it takes everything and says nothing.

import { LightSocket } from "./light-socket.ts";
import { delay, every, nowMs } from "./time.ts";

/** An edge as a charge point knows it. */
export interface Door {
  readonly name: string;
  readonly port: number;
}

/** One socket's life, all moments wall clock ms. */
export interface SocketLife {
  readonly station: Station;
  readonly edge: Door;
  /** Order of dialling over the whole fleet. */
  readonly serial: number;
  readonly dialledAtMs: number;
  openedAtMs: number | undefined;
  closedAtMs: number | undefined;
  closeCode: number;
  closeReason: string;
  /** Closed by us, or given up by us: its end is no news. */
  isLeft: boolean;
  isSilent: boolean;
  heartbeatsSent: number;
  heartbeatsAnswered: number;
}

/** One command as a socket got it (F2). */
export interface Delivery {
  readonly command: string;
  readonly life: SocketLife;
  readonly atMs: number;
}

/** A charge point: at most one socket that counts, and those it had before. */
export interface Station {
  readonly identity: string;
  readonly address: string;
  lives: SocketLife[];
  current: SocketLife | undefined;
}

const sourceAddresses = 9;
const sockets = new WeakMap<SocketLife, LightSocket>();

/** All stations of a world. */
export class Fleet {
  readonly stations: Station[] = [];
  readonly deliveries: Delivery[] = [];
  readonly #heartbeatMs: number;
  #serial = 0;
  #stopBeating: (() => void) | undefined;
  #turn = 0;

  constructor(heartbeatMs: number) {
    this.#heartbeatMs = heartbeatMs;
  }

  /** Makes stations that are not connected yet. */
  make(count: number, prefix: string): Station[] {
    const made = Array.from({ length: count }, (_, i): Station => {
      const address = `127.0.0.${2 + ((this.stations.length + i) % sourceAddresses)}`;
      return { identity: `${prefix}-${String(i).padStart(5, "0")}`, address, lives: [], current: undefined };
    });
    this.stations.push(...made);
    return made;
  }

  /** Dials; the station's former socket, if any, is no longer its current one. */
  dial(station: Station, edge: Door): SocketLife {
    const life: SocketLife = {
      station,
      edge,
      serial: this.#serial++,
      dialledAtMs: nowMs(),
      openedAtMs: undefined,
      closedAtMs: undefined,
      closeCode: 0,
      closeReason: "",
      isLeft: false,
      isSilent: false,
      heartbeatsSent: 0,
      heartbeatsAnswered: 0,
    };
    station.lives.push(life);
    station.current = life;
    const socket = new LightSocket(
      {
        host: "127.0.0.1",
        port: edge.port,
        path: `/ocpp/${station.identity}`,
        subprotocol: "ocpp1.6",
        localAddress: station.address,
      },
      {
        opened: () => (life.openedAtMs = nowMs()),
        text: (text) => this.#text(life, text),
        closed: (code, reason) => {
          life.closedAtMs = nowMs();
          life.closeCode = code;
          life.closeReason = reason;
        },
      },
    );
    sockets.set(life, socket);
    return life;
  }

  /** Dials all, `perSecond` at a time at most, and waits until each is open or has failed. */
  async dialAll(
    stations: readonly Station[],
    edgeOf: (index: number) => Door,
    perSecond = 3000,
  ): Promise<void> {
    const slice = Math.max(1, Math.round(perSecond / 50));
    for (let i = 0; i < stations.length; i += slice) {
      stations.slice(i, i + slice).forEach((station, j) => this.dial(station, edgeOf(i + j)));
      await delay(20);
    }
    await this.settled(stations);
  }

  /** Waits until none of them is still connecting (10 s at most). */
  async settled(stations: readonly Station[]): Promise<void> {
    const endMs = nowMs() + 10_000;
    const isConnecting = ({ current }: Station): boolean =>
      current !== undefined && current.openedAtMs === undefined && current.closedAtMs === undefined;
    while (stations.some(isConnecting) && nowMs() < endMs) await delay(20);
  }

  /** Closes a station's current socket in order. */
  leave(station: Station): void {
    const life = station.current;
    if (life === undefined) return;
    life.isLeft = true;
    sockets.get(life)?.close();
    station.current = undefined;
  }

  /** Closes every socket it still has, silent ones too. */
  leaveAll(station: Station): void {
    for (const life of station.lives) {
      if (life.closedAtMs !== undefined) continue;
      life.isLeft = true;
      sockets.get(life)?.close();
    }
    station.current = undefined;
  }

  /** F3: the socket stays open and says nothing any more; the station counts as gone. */
  silence(station: Station): void {
    const life = station.current;
    if (life === undefined) return;
    life.isSilent = true;
    life.isLeft = true;
    station.current = undefined;
  }

  /** The station moves on; its old socket still answers, as that of a station with two modems does. */
  leaveBehind(station: Station): void {
    if (station.current) station.current.isLeft = true;
    station.current = undefined;
  }

  /** Every open socket sends a Heartbeat once in `heartbeatMs`, evenly spread. */
  startHeartbeats(): void {
    const ticks = Math.max(1, Math.round(this.#heartbeatMs / 50));
    this.#stopBeating = every(50, () => {
      this.#turn = (this.#turn + 1) % ticks;
      for (let i = this.#turn; i < this.stations.length; i += ticks) this.beat(this.stations[i]);
    });
  }

  /** One Heartbeat now, if it can. */
  beat(station: Station | undefined): void {
    const life = station?.current;
    const socket = life && sockets.get(life);
    if (!life || !socket?.isOpen) return;
    life.heartbeatsSent++;
    socket.sendText(`[2,"h${life.heartbeatsSent}","Heartbeat",{}]`);
  }

  /** A station that connects to an edge which dies or stands still: what it loses is no news. */
  giveUp(edge: Door): void {
    for (const { lives } of this.stations) {
      for (const life of lives)
        if (life.edge.name === edge.name && life.closedAtMs === undefined) life.isLeft = true;
    }
  }

  stop(): void {
    this.#stopBeating?.();
    for (const station of this.stations) {
      for (const life of station.lives) {
        life.isLeft = true;
        sockets.get(life)?.destroy();
      }
    }
  }

  #text(life: SocketLife, text: string): void {
    const frame = JSON.parse(text) as readonly unknown[];
    if (frame[0] === 3 || frame[0] === 4) {
      life.heartbeatsAnswered++;
      return;
    }
    const [, id, , payload] = frame as [number, string, string, { messageId?: string }];
    this.deliveries.push({ command: payload.messageId ?? "", life, atMs: nowMs() }); // F2
    if (!life.isSilent) sockets.get(life)?.sendText(`[3,${JSON.stringify(id)},{"status":"Accepted"}]`);
  }
}

/** Whether a socket is open now, as this side knows. */
export const isOpen = (life: SocketLife | undefined): life is SocketLife =>
  life?.openedAtMs !== undefined && life.closedAtMs === undefined;
