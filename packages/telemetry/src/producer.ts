// From plain numbers to OpenTelemetry's data model, whenever a reader (Prometheus, OTLP) asks. Pure but for `wallMs`.
//
// A MetricProducer is the SDK's own way in for numbers that are kept elsewhere. It costs nothing between two
// readings, a histogram's record no more than finding its bucket (0.9 µs with the SDK's own and two attributes), and
// it shows exactly the series that exist.
import { ValueType } from "@opentelemetry/api";
import type { HrTime } from "@opentelemetry/api";
import { emptyResource } from "@opentelemetry/resources";
import { AggregationTemporality, DataPointType } from "@opentelemetry/sdk-metrics";
import type { CollectionResult, DataPoint, MetricData, MetricProducer } from "@opentelemetry/sdk-metrics";
import type { PlainMeter, Snapshot } from "./meter.ts";

/** UCUM units by the ending of the name (declare.ts D2). */
const units: readonly (readonly [ending: string, unit: string])[] = [
  ["_seconds", "s"],
  ["_seconds_total", "s"],
  ["_bytes", "By"],
  ["_ratio", "1"],
];

/** Lets readers of the SDK read the meter. */
export class PlainProducer implements MetricProducer {
  readonly #meter: PlainMeter;
  readonly #wallMs: () => number;
  readonly #startTime: HrTime;

  constructor(meter: PlainMeter, wallMs: () => number) {
    this.#meter = meter;
    this.#wallMs = wallMs;
    this.#startTime = hrTime(wallMs());
  }

  /** Never rejects: what could not be read is missing (meter.ts M4). The SDK replaces the resource with its own. */
  async collect(): Promise<CollectionResult> {
    const snapshots = await this.#meter.read();
    const times = { startTime: this.#startTime, endTime: hrTime(this.#wallMs()) };
    const metrics = snapshots.map((snapshot) => metricOf(snapshot, times));
    const scopeMetrics = [{ scope: { name: "@cpg/telemetry" }, metrics }];
    return { resourceMetrics: { resource: emptyResource(), scopeMetrics }, errors: [] };
  }
}

type Times = Pick<DataPoint<number>, "startTime" | "endTime">;

function metricOf(snapshot: Snapshot, times: Times): MetricData {
  const { name, declaration } = snapshot;
  const base = {
    descriptor: { name, description: declaration.help, unit: unitOf(name), valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  if (snapshot.kind === "histogram") {
    const dataPoints = snapshot.series.map(({ labels, bounds, buckets, count, sum }) => ({
      ...times,
      attributes: labels,
      value: { buckets: { boundaries: [...bounds], counts: [...buckets] }, count, sum },
    }));
    return { ...base, dataPointType: DataPointType.HISTOGRAM, dataPoints };
  }
  const dataPoints = snapshot.series.map(({ labels, value }) => ({ ...times, attributes: labels, value }));
  return snapshot.kind === "counter"
    ? { ...base, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints }
    : { ...base, dataPointType: DataPointType.GAUGE, dataPoints };
}

/** The unit that the name of an instrument ends in, in UCUM; empty for plain counts. */
export function unitOf(name: string): string {
  return units.find(([ending]) => name.endsWith(ending))?.[1] ?? "";
}

function hrTime(ms: number): HrTime {
  return [Math.floor(ms / 1_000), Math.round((ms % 1_000) * 1_000_000)];
}
