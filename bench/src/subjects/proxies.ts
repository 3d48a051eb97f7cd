// The delaying proxies before a cluster, in a process of their own.

import { delayingProxy, type DelayingProxy } from "@cpg/testkit";

import { serve } from "../system/worker.ts";

const proxies: DelayingProxy[] = [];

serve({
  async open({ targets, fronts }: { targets: readonly number[]; fronts: readonly number[] }) {
    for (const [n, port] of targets.entries()) {
      const front = fronts[n];
      if (front === undefined) throw new RangeError("a proxy for each target");
      proxies.push(await delayingProxy({ target: { host: "127.0.0.1", port }, port: front }));
    }
  },
  setDelay({ milliseconds }: { milliseconds: number }) {
    for (const proxy of proxies) proxy.setDelay(milliseconds);
  },
});
