// What a scenario measured and what must hold. Pure but for the lines it prints.

/** One figure, as printed and as JSON. */
export interface Figure {
  readonly name: string;
  readonly value: number | string;
}

/** One thing that must hold. */
export interface Check {
  readonly name: string;
  readonly holds: boolean;
  readonly detail: string;
}

/** Everything of one scenario's run. */
export class Report {
  readonly scenario: string;
  readonly figures: Figure[] = [];
  readonly checks: Check[] = [];

  constructor(scenario: string) {
    this.scenario = scenario;
  }

  figure(name: string, value: number | string): void {
    this.figures.push({ name, value });
  }

  /** `detail`: what was measured, and the limit. */
  must(name: string, holds: boolean, detail: string | number): void {
    this.checks.push({ name, holds, detail: String(detail) });
  }

  /** The commonest: a count that must be 0. `examples` are shown when it is not. */
  mustBeNone(name: string, found: readonly unknown[], show: (item: never) => string = String): void {
    const examples = found.slice(0, 3).map((item) => show(item as never));
    this.must(
      name,
      found.length === 0,
      found.length === 0 ? 0 : `${found.length}, e.g. ${examples.join(" · ")}`,
    );
  }

  get isGood(): boolean {
    return this.checks.every((check) => check.holds);
  }

  /** For people. */
  table(): string {
    const width = Math.max(...[...this.figures, ...this.checks].map(({ name }) => name.length), 10);
    return [
      ...this.figures.map(({ name, value }) => `   ${name.padEnd(width)}  ${value}`),
      ...this.checks.map(
        ({ name, holds, detail }) => ` ${holds ? "✓" : "✗"} ${name.padEnd(width)}  ${detail}`,
      ),
    ].join("\n");
  }

  /** One line for programs. */
  json(seconds: number): string {
    return JSON.stringify({
      scenario: this.scenario,
      ok: this.isGood,
      seconds: Math.round(seconds),
      figures: Object.fromEntries(this.figures.map(({ name, value }) => [name, value])),
      checks: Object.fromEntries(this.checks.map(({ name, holds, detail }) => [name, { holds, detail }])),
    });
  }
}

/** The value below which `share` of the values lie; NaN for none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** `n=…, p50 … ms, p99 … ms, max … ms`. */
export function spread(values: readonly number[]): string {
  if (values.length === 0) return "none";
  const [p50, p99, max] = [percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1)];
  return `n=${values.length}, p50 ${p50} ms, p99 ${p99} ms, max ${max} ms`;
}
