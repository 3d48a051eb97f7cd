// A small fleet's day in a few seconds: CALLs, commands to every charge point through both edges, and the small faults of every day
// (a wrong subprotocol, malformed frames, a charge point that comes back elsewhere, a command to one that is not there).

import type { EdgeProcess, Stack } from "./stack.ts";

const calls: readonly (readonly [string, object])[] = [
  ["BootNotification", { chargePointVendor: "Acme", chargePointModel: "One" }],
  ["Heartbeat", {}],
  ["Authorize", { idTag: "TAG1" }],
  ["MeterValues", { connectorId: 1, meterValue: [] }],
];

/** A charge point that answers every command. */
class Station {
  readonly #socket: WebSocket;
  #sent = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      const frame = JSON.parse(String(data)) as unknown[];
      if (frame[0] === 2) socket.send(JSON.stringify([3, frame[1], { status: "Accepted" }]));
    });
  }

  static async connect(edge: EdgeProcess, identity: string): Promise<Station> {
    const socket = new WebSocket(`${edge.endpoint}/${identity}`, "ocpp1.6");
    await settled(socket);
    return new Station(socket);
  }

  say(): void {
    const [action, payload] = calls[this.#sent % calls.length]!;
    this.sendText(JSON.stringify([2, `m${++this.#sent}`, action, payload]));
  }

  sendText(text: string): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(text);
  }

  close(): void {
    this.#socket.close();
  }
}

function settled(socket: WebSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.addEventListener("open", () => resolve(), { once: true });
    socket.addEventListener("error", () => reject(new Error(`no connection to ${socket.url}`)), {
      once: true,
    });
  });
}

/** Something that goes on until it is stopped. */
export interface Traffic {
  stop(): Promise<void>;
}

/**
 * Connects charge points to both edges and keeps them busy; with `newcomers` another one comes to the first edge each round
 * and stays. What fails on the way is for Prometheus to tell.
 */
export async function startTraffic(
  { edges }: Stack,
  options: { readonly newcomers?: boolean } = {},
): Promise<Traffic> {
  const identities = Array.from({ length: 8 }, (_, at) => `CP${at}`);
  const stations = await Promise.all(
    identities.map((identity, at) => Station.connect(edges[at % 2]!, identity)),
  );
  let round = 0;
  let unfinished: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    round += 1;
    for (const station of stations) station.say();
    const commands = edges.map((edge) => command(edge, identities[round % identities.length]!));
    const newcomers = options.newcomers ? [Station.connect(edges[0], `CP-NEW-${round}`)] : [];
    unfinished = Promise.allSettled([unfinished, ...commands, ...newcomers, ...everydayFaults(edges, round)]);
  }, 250);
  return {
    async stop() {
      clearInterval(timer);
      await unfinished;
      for (const station of stations) station.close();
    },
  };
}

function everydayFaults([here, there]: Stack["edges"], round: number): Promise<unknown>[] {
  return [
    command(here, "NOBODY"),
    settled(new WebSocket(`${here.endpoint}/CP-OLD`, "ocpp0.9")),
    vagabond(round % 2 === 0 ? here : there),
  ];
}

/** The same charge point, now here, now there; it sends what no version allows. Its old sockets are evicted. */
async function vagabond(edge: EdgeProcess): Promise<void> {
  const station = await Station.connect(edge, "CP-VAGABOND");
  station.sendText("not JSON");
  station.sendText('[3,"never asked",{}]');
}

/** Sends a command through an edge and waits for its end, whatever that is. */
export async function command(edge: EdgeProcess, identity: string): Promise<void> {
  const response = await fetch(`${edge.api}/v1/charge-points/${identity}/commands`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ action: "Reset", payload: { type: "Soft" }, timeoutMs: 5000 }),
  });
  await response.arrayBuffer();
}
