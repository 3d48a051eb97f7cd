// THE table: each instrument of the gateway, once. Data.
//
// I1. The key is the exact name in the scrape: the Prometheus exporter adds `_total` to a counter only where it is
//     missing, so counters end in `_total` here.
// I2. Only what is recorded is declared: a dashboard over an instrument that nobody feeds can never show anything.
import type { AnyDeclaration, Declaration, LabelValues, Labels } from "./declare.ts";
import { commands, integrations, readiness } from "./instruments/backend.ts";
import { messages, sockets } from "./instruments/charge-points.ts";
import { exportInstruments, hostInstruments, processInstruments } from "./instruments/process.ts";
import { redisNodes } from "./instruments/redis-nodes.ts";
import { calls, ownership } from "./instruments/registry.ts";

/** Every instrument by its name. */
export const instruments = {
  ...sockets,
  ...messages,
  ...calls,
  ...ownership,
  ...redisNodes,
  ...commands,
  ...integrations,
  ...readiness,
  ...processInstruments,
  ...hostInstruments,
  ...exportInstruments,
} as const;

/** The table's type. */
export type Instruments = typeof instruments;

/** Name of any instrument. */
export type InstrumentName = keyof Instruments;

type NameOf<K extends AnyDeclaration["kind"]> = {
  [N in InstrumentName]: Instruments[N]["kind"] extends K ? N : never;
}[InstrumentName];

/** Names by kind. */
export type CounterName = NameOf<"counter">;
export type GaugeName = NameOf<"gauge">;
export type HistogramName = NameOf<"histogram">;

/** The labels of the instrument called N. */
export type LabelsOf<N extends InstrumentName> =
  Instruments[N] extends Declaration<AnyDeclaration["kind"], infer L extends Labels> ? LabelValues<L> : never;

/** The labels as an argument: not there at all for an instrument without labels. */
export type LabelArgument<N extends InstrumentName> = keyof LabelsOf<N> extends never
  ? readonly []
  : readonly [labels: LabelsOf<N>];
