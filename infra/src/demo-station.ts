// A charge point to try the gateway with: `node infra/dist/demo-station.js ws://127.0.0.1:9000/ocpp/CP001 [ocpp1.6|ocpp2.0.1|ocpp2.1]`.
// It boots, sends a Heartbeat every 30 s, and accepts every command. I/O: a WebSocket, the console. Runs on the pinned Node.

const heartbeatMs = 30_000;

const bootOf2 = { reason: "PowerUp", chargingStation: { vendorName: "Demo", model: "Station" } };
const boot: Readonly<Record<string, unknown>> = {
  "ocpp1.6": { chargePointVendor: "Demo", chargePointModel: "Station" },
  "ocpp2.0.1": bootOf2,
  "ocpp2.1": bootOf2,
};

function say(text: string): void {
  process.stdout.write(`${new Date().toISOString().slice(11, 23)} ${text}\n`);
}

function run(url: string, subprotocol: string): void {
  const socket = new WebSocket(url, subprotocol);
  let count = 0;
  const send = (frame: unknown): void => {
    const text = JSON.stringify(frame);
    say(`→ ${text}`);
    socket.send(text);
  };
  const call = (action: string, payload: unknown): void => send([2, String(++count), action, payload]);
  let timer: NodeJS.Timeout | undefined;
  socket.addEventListener("open", () => {
    say(`connected to ${url} (${socket.protocol})`);
    call("BootNotification", boot[subprotocol]);
    timer = setInterval(() => call("Heartbeat", {}), heartbeatMs);
  });
  socket.addEventListener("message", ({ data }) => {
    const text = String(data);
    say(`← ${text}`);
    const frame: unknown = JSON.parse(text);
    if (Array.isArray(frame) && frame[0] === 2) send([3, frame[1], { status: "Accepted" }]);
  });
  // A WebSocket of Node's does not tell a refusal from a port where nobody listens.
  const advice = "does the gateway run (npm start) on that port, and is the path /ocpp/ and a name?";
  socket.addEventListener("error", () => {
    say(`no connection to ${url}: ${advice}`);
    process.exitCode = 1; // not every error is followed by a close
  });
  socket.addEventListener("close", ({ code, reason }) => {
    clearInterval(timer);
    say(`closed: ${code} ${reason}`);
    process.exitCode = code === 1000 ? 0 : 1;
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => socket.close(1000, "station ends"));
}

const [url, subprotocol = "ocpp1.6"] = process.argv.slice(2);
if (url === undefined || !/^wss?:\/\/./u.test(url) || !URL.canParse(url) || boot[subprotocol] === undefined) {
  process.stderr.write("usage: demo-station.js ws://127.0.0.1:9000/ocpp/CP001 [ocpp1.6|ocpp2.0.1|ocpp2.1]\n");
  process.exitCode = 2;
} else if (globalThis.WebSocket === undefined) {
  // Node has had one of its own since 22, and people type what they are used to.
  process.stderr.write(
    `demo-station.js needs Node 22; this is ${process.version}. The project has its own: node_modules/node/bin/node\n`,
  );
  process.exitCode = 2;
} else {
  run(url, subprotocol);
}
