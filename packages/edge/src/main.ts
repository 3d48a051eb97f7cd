// The entry. An older Node would stumble over what the edge imports and say something else, so it is asked for before anything is loaded.

const needed = 22;
const [major = 0] = process.versions.node.split(".").map(Number);
if (major < needed) {
  process.stderr.write(
    `The edge needs Node ${needed}; this is ${process.version}. The project has its own: node_modules/node/bin/node\n`,
  );
  process.exitCode = 2;
} else {
  const { runEdge } = await import("./process.ts");
  await runEdge(process.argv.slice(2), process.env);
}
