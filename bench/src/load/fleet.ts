// The stations of a run, spread over generator processes; this side lives in the benchmark's process.

import { cpuSecondsOf } from "../measure/process.ts";
import { mergeHistograms, type Histogram } from "../measure/histogram.ts";
import { startWorker, type Worker } from "../system/worker.ts";
import { nowMs, pause } from "../time.ts";
import type { ConnectPlan, Endpoint, GeneratorState, LossesByPort } from "./generator.ts";
import type { TrafficCount } from "./traffic.ts";

export type { Endpoint } from "./generator.ts";

/** How a fleet connects. What is absent has the generator's usual value. */
export interface FleetPlan {
  readonly prefix: string;
  readonly first?: number;
  readonly count: number;
  readonly endpoints: readonly Endpoint[];
  /** How many of the endpoints are used from the beginning; default all. The others are for coming back. */
  readonly spread?: number;
  readonly password?: string;
  readonly batch?: number;
  readonly delayMs?: number;
  readonly timeoutMs?: number;
  readonly retryMs?: number;
}

/** All generators together. */
export interface FleetState {
  readonly open: number;
  readonly attempts: number;
  readonly failures: Readonly<Record<string, number>>;
  readonly losses: Readonly<Record<string, number>>;
  readonly connects: Histogram;
}

/** One stretch of measured traffic. */
export interface TrafficResult {
  readonly seconds: number;
  readonly answered: number;
  readonly wrong: number;
  readonly wrongText: string | undefined;
  /** Still unanswered 30 s after the last CALL; those of a lost station are not among them. */
  readonly unanswered: number;
  /** Stations lost until its end since the last look (`takeLosses`), by kind: also those lost before it began. */
  readonly losses: Readonly<Record<string, number>>;
  readonly latencies: Histogram;
  /** CPU of the busiest generator during it, in cores. */
  readonly clientCores: number;
  /** CPU of `pids` during it, seconds. */
  readonly serverSeconds: number;
}

/** What became of one CALL of each open station. */
export interface Called {
  readonly answered: number;
  readonly wrong: number;
  /** When the time was over; those of a lost station are not among them. */
  readonly unanswered: number;
}

const perAddress = 2_000;

/** Generators. */
export class Fleet {
  readonly #workers: readonly Worker[];

  private constructor(workers: readonly Worker[]) {
    this.#workers = workers;
  }

  static async start(generators: number): Promise<Fleet> {
    const file = new URL("generator.js", import.meta.url);
    return new Fleet(await Promise.all(Array.from({ length: generators }, () => startWorker(file))));
  }

  get pids(): readonly number[] {
    return this.#workers.map(({ pid }) => pid);
  }

  /** Settles when every station is open, or has failed and will not come back, or its time is over. */
  async connect(plan: FleetPlan): Promise<void> {
    const share = Math.ceil(plan.count / this.#workers.length);
    const batch = plan.batch ?? 0;
    await this.#each<null>("connect", (generator): ConnectPlan => {
      const first = generator * share;
      return {
        prefix: plan.prefix,
        first: (plan.first ?? 0) + first,
        count: Math.max(0, Math.min(share, plan.count - first)),
        endpoints: plan.endpoints,
        spread: plan.spread ?? plan.endpoints.length,
        subprotocol: "ocpp1.6",
        ...(plan.password === undefined ? {} : { password: plan.password }),
        generator,
        perAddress,
        batch: batch === 0 ? 0 : Math.max(1, Math.round(batch / this.#workers.length)),
        delayMs: plan.delayMs ?? 0,
        timeoutMs: plan.timeoutMs ?? 30_000,
        ...(plan.retryMs === undefined ? {} : { retryMs: plan.retryMs }),
      };
    });
  }

  async state(): Promise<FleetState> {
    const states = await this.#each<GeneratorState>("state");
    const total = (pick: (state: GeneratorState) => number): number =>
      states.reduce((all, state) => all + pick(state), 0);
    return {
      open: total(({ open }) => open),
      attempts: total(({ attempts }) => attempts),
      failures: sumOf(states.map(({ failures }) => failures)),
      losses: sumOf(states.map(({ losses }) => losses)),
      connects: mergeHistograms(states.map(({ connects }) => connects)),
    };
  }

  /** Stations lost since the last look, by kind. */
  async takeLosses(): Promise<Readonly<Record<string, number>>> {
    const { elsewhere } = await this.takeLossesAt(undefined);
    return elsewhere;
  }

  /** Stations lost since the last look, by kind: those that were connected to this endpoint, and all others. */
  async takeLossesAt(
    endpoint: Endpoint | undefined,
  ): Promise<Record<"there" | "elsewhere", Readonly<Record<string, number>>>> {
    const taken = await this.#each<LossesByPort>("takeLosses");
    const byPort = taken.flatMap((losses) => Object.entries(losses));
    const sumAt = (isThere: boolean): Record<string, number> =>
      sumOf(
        byPort.filter(([port]) => (port === String(endpoint?.port)) === isThere).map(([, kinds]) => kinds),
      );
    return { there: sumAt(true), elsewhere: sumAt(false) };
  }

  /** How many are connected to this endpoint now. */
  async openAt({ port }: Endpoint): Promise<number> {
    const counts = await this.#each<number>("openAt", () => ({ port }));
    return counts.reduce((all, count) => all + count, 0);
  }

  /** Forgets what was counted, but for the losses that nobody has taken yet; the sockets stay. */
  async reset(): Promise<void> {
    await this.#each("reset");
  }

  async closeStations(): Promise<void> {
    await this.#each("close");
  }

  /** One CALL of each station. */
  async callOnce(tail: string, timeoutMs: number): Promise<Called> {
    const counts = await this.#each<TrafficCount>("callOnce", () => ({ tail, timeoutMs }));
    return {
      answered: counts.reduce((all, { answered }) => all + answered, 0),
      wrong: counts.reduce((all, { wrong }) => all + wrong, 0),
      unanswered: counts.reduce((all, { waiting }) => all + waiting, 0),
    };
  }

  /** Traffic for `seconds` after `warmUpSeconds` that do not count; `rate` in CALLs/s of the whole fleet, 0: no pace. */
  async traffic(
    plan: {
      readonly tail: string;
      readonly rate: number;
      readonly seconds: number;
      readonly warmUpSeconds: number;
    },
    pids: readonly number[],
  ): Promise<TrafficResult> {
    const rate = plan.rate / this.#workers.length;
    await this.#each("startTraffic", () => ({ tail: plan.tail, rate }));
    await pause(plan.warmUpSeconds * 1000);
    const warm = await this.#each<TrafficCount>("takeTraffic");
    const [startedMs, server, clients] = [
      nowMs(),
      cpuSecondsOf(pids),
      this.pids.map((pid) => cpuSecondsOf([pid])),
    ];
    await pause(plan.seconds * 1000);
    const counts = await this.#each<TrafficCount>("takeTraffic");
    const seconds = (nowMs() - startedMs) / 1000;
    const serverSeconds = cpuSecondsOf(pids) - server;
    const cores = this.pids.map((pid, n) => (cpuSecondsOf([pid]) - (clients[n] ?? 0)) / seconds);
    const rest = await this.#each<TrafficCount>("stopTraffic");
    const all = [...warm, ...counts, ...rest];
    return {
      seconds,
      answered: counts.reduce((sum, { answered }) => sum + answered, 0),
      wrong: all.reduce((sum, { wrong }) => sum + wrong, 0),
      wrongText: all.find(({ wrongText }) => wrongText !== undefined)?.wrongText,
      unanswered: rest.reduce((sum, { waiting }) => sum + waiting, 0),
      losses: await this.takeLosses(), // asked behind the stretch: nothing of it is measured
      latencies: mergeHistograms(counts.map(({ latencies }) => latencies)),
      clientCores: Math.max(...cores),
      serverSeconds,
    };
  }

  async stop(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.stop()));
  }

  #each<R>(method: string, paramsOf: (generator: number) => object = () => ({})): Promise<R[]> {
    return Promise.all(this.#workers.map((worker, n) => worker.ask<R>(method, paramsOf(n))));
  }
}

function sumOf(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const each of counts) {
    for (const [kind, count] of Object.entries(each)) sum[kind] = (sum[kind] ?? 0) + count;
  }
  return sum;
}
