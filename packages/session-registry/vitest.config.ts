import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    reporters: ["default"],
    // Room for a busy machine: what must be quick is a figure of the bench, never a test.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    globalSetup: ["@cpg/testkit/redis-global-setup"],
    maxWorkers: 2, // on two cores too, for a file waits most of its time; no more elsewhere, for they share a cluster
  },
});
