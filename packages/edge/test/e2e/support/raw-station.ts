// A charge point as bytes on a socket: so light that 10,000 of them fit into a test, and free to send what no library would.

import { connect, type Socket } from "node:net";

/** What an upgrade request says. */
export interface RawUpgrade {
  readonly port: number;
  readonly path: string;
  readonly protocol?: string;
  /** Of the loopback's many: one address has 28,000 ports, and finding a free one grows slow long before. */
  readonly from?: string;
  readonly method?: string;
  readonly isUpgrade?: boolean;
  /** Never closes its side: to the edge it looks like a peer that is gone. */
  readonly staysHalfOpen?: boolean;
}

/** An open socket whose upgrade was answered. */
export interface RawStation {
  /** HTTP status of the answer: 101 is a WebSocket. */
  readonly status: number;
  text(text: string): void;
  /** A close frame with any code, also those that nobody may send. */
  close(code: number): void;
  destroy(): void;
}

/** Sends the request and waits for the answer's first line. Rejects if the connection ends before. */
export function connectRaw(upgrade: RawUpgrade): Promise<RawStation> {
  const { port, path, protocol, from = "127.0.0.1", method = "GET", isUpgrade = true } = upgrade;
  const { staysHalfOpen: allowHalfOpen = false } = upgrade;
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", localAddress: from, noDelay: true, allowHalfOpen });
    const headers = [
      `${method} ${path} HTTP/1.1`,
      "Host: 127.0.0.1",
      ...(isUpgrade
        ? [
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
            "Sec-WebSocket-Version: 13",
          ]
        : []),
      ...(protocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${protocol}`]),
    ];
    socket.write(`${headers.join("\r\n")}\r\n\r\n`);
    socket.once("data", (data) => resolve(stationOf(socket, Number(String(data).slice(9, 12)))));
    socket.once("error", reject);
    socket.once("close", () => reject(new Error(`${path}: the connection ended before its answer`)));
  });
}

function stationOf(socket: Socket, status: number): RawStation {
  socket.on("error", () => undefined);
  socket.resume(); // what the edge answers is not looked at
  return {
    status,
    text: (text) => void socket.write(frame(1, Buffer.from(text))),
    close(code) {
      const body = Buffer.alloc(2);
      body.writeUInt16BE(code);
      socket.write(frame(8, body));
    },
    destroy: () => void socket.destroy(),
  };
}

/** RFC 6455 §5.2, masked with zeros: the bytes stay as they are. */
function frame(opcode: number, payload: Buffer): Buffer {
  const length =
    payload.length < 126 ? [0x80 | payload.length] : [0x80 | 126, payload.length >> 8, payload.length & 0xff];
  return Buffer.concat([Buffer.from([0x80 | opcode, ...length, 0, 0, 0, 0]), payload]);
}
