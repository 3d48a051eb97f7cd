import { defineConfig } from "vitest/config";

// Starting a real cluster takes 2 s, and a failover 3 s.
export default defineConfig({
  test: { include: ["test/**/*.test.ts"], reporters: ["default"], testTimeout: 30_000, hookTimeout: 30_000 },
});
