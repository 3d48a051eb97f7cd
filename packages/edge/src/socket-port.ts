// What the border (uws.ts) and the rest of the edge know of each other. Types only: nothing here names uWebSockets.js.

/** What became of a message handed to a socket. No caller may ignore it. */
export type SendOutcome =
  | "sent" // in the kernel
  | "buffered" // behind others in user space; `drained` will be called
  | "dropped" // over the limit, not sent at all
  | "closed"; // the socket is gone

/** How a socket ended, as the border knows it. */
export type SocketEnd =
  | { readonly kind: "closed"; readonly code: number } // a close frame, ours or the peer's
  | { readonly kind: "lost" } // no close frame
  | { readonly kind: "messageTooBig" }
  | { readonly kind: "invalidUtf8" }
  | { readonly kind: "idle" };

/** One open WebSocket. Every call is safe at any time, also after the end. */
export interface Socket {
  send(text: string): SendOutcome;
  /** Delivers what is buffered, then the close frame. Calls the `closed` handler before it returns. */
  end(code: number, reason: string): void;
  /** Ends without a close frame. Calls the `closed` handler before it returns. */
  abort(): void;
  /** Bytes in user space that the kernel has not taken yet. */
  readonly bufferedBytes: number;
}

/** Who a socket's events go to. Called on the event loop; an exception here is a bug and is logged, not fatal. */
export interface SocketHandler {
  text(text: string): void;
  /** A binary frame: no message of OCPP-J. */
  binary(): void;
  /** Everything buffered is in the kernel. */
  drained(): void;
  /** Exactly once; the socket is gone. */
  closed(end: SocketEnd): void;
}

/** An upgrade request, copied out of the border. */
export interface UpgradeRequest {
  /** Path as on the wire: percent-encoded, without the query. */
  readonly path: string;
  /** `Sec-WebSocket-Protocol`, the first header of that name; undefined where absent. */
  readonly offeredProtocols: string | undefined;
  /**
   * All of them as one list: to read every header costs more than is needed for the many that send one. Reads the
   * request, so call it before the first await.
   */
  allOfferedProtocols(): string;
  /** `Authorization`, undefined where absent. */
  readonly authorization: string | undefined;
  /** Address of the peer, as text. */
  readonly remote: string;
  /** The peer left before the answer. Known only of a decision that takes its time, and so is `onGone`. */
  readonly isGone: boolean;
  /** Has `run` called once when the peer leaves before the answer, instead of what was given before. */
  onGone(run: () => void): void;
}

/** A refused request. */
export interface HttpRefusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** For people. */
  readonly body: string;
}

/** What is done with an upgrade request. */
export type UpgradeDecision =
  | { readonly kind: "refuse"; readonly refusal: HttpRefusal }
  | {
      readonly kind: "accept";
      /** Value of `Sec-WebSocket-Protocol` in the answer; undefined sends none. */
      readonly subprotocol: string | undefined;
      /** Called once the socket is open; what it returns gets the socket's events. */
      open(socket: Socket): SocketHandler;
    };

/** Decides on an upgrade: at once where it can, so that a storm costs no promises. */
export type DecideUpgrade = (request: UpgradeRequest) => UpgradeDecision | Promise<UpgradeDecision>;

/** The open port. */
export interface Listener {
  readonly port: number;
  /** New connections are refused from now on; open sockets stay. */
  stopAccepting(): void;
  /** Ends everything at once, without close frames: the last step. */
  close(): void;
}
