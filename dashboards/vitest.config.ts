import { defineConfig } from "vitest/config";

// The live test begins with a Redis Cluster, two edges and a Prometheus (about 8 s), unpacked at the first time.
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    reporters: ["default"],
    globalSetup: ["@cpg/testkit/redis-global-setup"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
