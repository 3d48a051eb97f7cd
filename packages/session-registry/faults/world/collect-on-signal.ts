// Loaded into an edge whose heap is measured (`node --expose-gc --import`): SIGUSR2 collects garbage, so that what is read is what is held.

const collect = globalThis.gc;

process.on("SIGUSR2", () => {
  if (collect) collect({ execution: "sync" });
});
