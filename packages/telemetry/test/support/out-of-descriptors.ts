// A process that takes all the descriptors it may have and reads its meter before and after. Run with a low limit; prints JSON.
import { openSync } from "node:fs";
import { observeHost } from "../../src/host-metrics.ts";
import { PlainMeter } from "../../src/meter.ts";
import { observeProcess } from "../../src/process-metrics.ts";

const faults: string[] = [];
const meter = new PlainMeter((instrument, error) => faults.push(`${instrument}: ${String(error)}`));
observeProcess(meter);
observeHost(meter);

async function reading(): Promise<object> {
  const series = (await meter.read()).flatMap((snapshot) =>
    snapshot.kind === "histogram"
      ? []
      : snapshot.series.map(({ labels, value }) => [
          [snapshot.name, ...Object.values(labels)].join(" "),
          value,
        ]),
  );
  return Object.fromEntries(series.filter(([name]) => /^(process|nodejs|host)_/.test(String(name))));
}

const before = await reading();
let refusal = "";
while (refusal === "") {
  try {
    openSync("/dev/null", "r");
  } catch (error) {
    refusal = String(error);
  }
}
process.stdout.write(JSON.stringify({ before, refusal, after: await reading(), faults }), () =>
  process.exit(0),
);
