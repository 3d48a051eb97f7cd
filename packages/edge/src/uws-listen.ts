// The port of the border (uws.ts): taken once, listened on sixteen times.
//
// L1. The listen is exclusive unless `sharePort`: SO_REUSEPORT would let a second instance take half of the fleet. So the port is taken
//     exclusively first, which fails while anybody has it, and shared with ourselves only then.
// L2. One listening socket's accept queue holds 512 connections, fixed in uWebSockets.js; in a storm the kernel drops who comes beyond
//     them, and each waits a second or more for its next attempt. Sixteen sockets on the port hold 8,192 (bench/README.md, `storm`).

import {
  us_listen_socket_close,
  us_socket_local_port,
  type TemplatedApp,
  type us_listen_socket,
} from "uWebSockets.js";
import { whyNoToken } from "./listening.ts";
import type { Listener } from "./socket-port.ts";

/** Where to listen. */
export interface Port {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly sharePort: boolean;
}

const LIBUS_LISTEN_DEFAULT = 0;
const LIBUS_LISTEN_EXCLUSIVE_PORT = 1;
const acceptQueues = 16; // L2

/** Takes the port for `app`. Errors: one clear line when it cannot be had. */
export async function openPort(app: TemplatedApp, options: Port): Promise<Listener> {
  const { host, port, sharePort } = options;
  if (sharePort && port === 0) return listener(app, [await listenOnce(app, options, true)]); // cannot be shared
  let own = port;
  if (!sharePort) {
    const token = await listenOnce(app, options, false); // L1
    own = us_socket_local_port(token);
    us_listen_socket_close(token);
  }
  const tokens: us_listen_socket[] = [];
  while (tokens.length < acceptQueues) tokens.push(await listenOnce(app, { host, port: own }, true)); // L2
  return listener(app, tokens);
}

function listenOnce(
  app: TemplatedApp,
  place: Pick<Port, "host" | "port">,
  isShared: boolean,
): Promise<us_listen_socket> {
  return new Promise((resolve, reject) => {
    const flags = isShared ? LIBUS_LISTEN_DEFAULT : LIBUS_LISTEN_EXCLUSIVE_PORT;
    const onListen = (token: us_listen_socket | false): void => {
      if (token === false)
        void whyNoToken(place.host, place.port).then((reason) => reject(new Error(reason)));
      else resolve(token);
    };
    // The typings know (host, port, cb) and (port, options, cb); the code takes all four together.
    // oxlint-disable-next-line typescript/unbound-method -- `apply` binds it
    Reflect.apply(app.listen, app, [place.host, place.port, flags, onListen]);
  });
}

function listener(app: TemplatedApp, tokens: readonly us_listen_socket[]): Listener {
  let isAccepting = true;
  return {
    port: tokens[0] === undefined ? 0 : us_socket_local_port(tokens[0]),
    stopAccepting() {
      if (!isAccepting) return;
      isAccepting = false;
      for (const token of tokens) us_listen_socket_close(token);
    },
    close() {
      isAccepting = false;
      app.close();
    },
  };
}
