// `pnpm bench`: arguments, signals, exit codes. Exit codes: 0 done · 1 a wrong result, or a bug · 2 what a person has to mend.

import { readOrder, type Order } from "./cli.ts";
import { execute } from "./execute.ts";
import { runText } from "./report/text.ts";
import { BenchError } from "./scenario.ts";
import { scenarios } from "./scenarios.ts";

async function main(order: Order): Promise<number> {
  switch (order.kind) {
    case "said":
      process.stdout.write(order.text);
      return 0;
    case "refused":
      process.stderr.write(`${order.line}\n`);
      return 2;
    case "run":
    default:
      return run(order);
  }
}

async function run({ scenario, values, options }: Extract<Order, { kind: "run" }>): Promise<number> {
  const say = (line: string): void => void process.stderr.write(`  ${line}\n`);
  try {
    const { run, keep } = await execute(scenario, values, options, say);
    process.stdout.write(runText(run, process.stdout.isTTY));
    process.stdout.write(`\n${keep().join("\n")}\n`);
    return run.report.wrong.length === 0 ? 0 : 1;
  } catch (error) {
    if (!(error instanceof BenchError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
}

// The children die with this process (system/worker.ts, @cpg/infra), and its folders go with it (system/temporary-folder.ts), so a
// signal may end it at once.
process.on("SIGHUP", () => process.exit(129)); // its terminal was closed
process.on("SIGINT", () => process.exit(130));
process.on("SIGTERM", () => process.exit(143));

const code = await main(readOrder(process.argv.slice(2), scenarios));
process.stdout.write("", () => process.exit(code)); // what was written before has left when this is called
