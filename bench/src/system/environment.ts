// What of the caller's environment reaches the processes that are measured or measure. Pure.
//
// V1. A shell's settings for another gateway, for Node or for a library must not change a figure: an edge with default settings is
//     one, whoever starts the bench. What is kept from the children is said, for who meant it for them.

const kept = /^(?:CPG_.*|OTEL_.*|NODE_OPTIONS|UV_THREADPOOL_SIZE|DEBUG)$/u;

type Environment = Readonly<Record<string, string | undefined>>;

/** Names of variables that are kept from the children (V1). */
export function keptFromChildren(env: Environment): string[] {
  return Object.keys(env)
    .filter((name) => kept.test(name))
    .sort();
}

/** The environment of a child. */
export function childEnvironment(env: Environment): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !kept.test(name)));
}
