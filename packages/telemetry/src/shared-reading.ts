// One reading for all instruments that it fills. Pure.

/**
 * Makes a reader of which those who ask at the same time get the same reading: a scrape asks for each instrument by itself, and all
 * of them in one turn.
 */
export function sharedReading<T>(read: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  return () => {
    running ??= read().finally(() => (running = undefined));
    return running;
  };
}
