// Decides on an upgrade request: everything that can be refused is refused here, before the upgrade, counted and told.
//
//   path → identity → admission → subprotocol → authentication → accept
//
// P1. The order is the specification (DESIGN §5): cheap checks first, and nothing is looked up under a name that has
//     not been validated as an identity (R10).
// P2. Without a credential to compute slowly, the decision is made in the same turn: a storm costs no promises.
// P3. The instant of acceptance is taken once, when the credentials were found right: the claim's stamp is made of it.
// P4. A decision that took its time asks for admission again: others came in meanwhile. Who left meanwhile is not counted
//     here: the border counts it, as `aborted`.

import { identityKey, negotiate, subprotocolOf, type Identity, type OcppVersion } from "@cpg/ocpp";
import type { Time } from "@cpg/session-registry";
import type { EdgeAdmission } from "./admission.ts";
import type { Authenticate, Authenticated } from "./authentication.ts";
import { closeTable } from "./close-codes.ts";
import { identityIn, segmentOf } from "./identity-path.ts";
import type { Ids } from "./ids.ts";
import type { Instruments, RefusalReason } from "./instruments.ts";
import type { SessionFacts } from "./session.ts";
import type { SessionLog } from "./session-log.ts";
import type { HttpRefusal, Socket, SocketHandler, UpgradeDecision, UpgradeRequest } from "./socket-port.ts";

/** What the decision needs. */
export interface UpgradePorts {
  /** Path before the identity; begins and ends with a slash. */
  readonly path: string;
  readonly versions: readonly OcppVersion[];
  readonly noSubprotocol: "reject" | "close";
  readonly retryAfterSeconds: number;
  readonly authenticate: Authenticate;
  /** Asked for each request. */
  readonly admission: () => EdgeAdmission;
  readonly time: Time;
  readonly ids: Ids;
  readonly instruments: Instruments;
  readonly log: Pick<SessionLog, "refused"> | undefined;
  /** The socket is open. */
  begin(socket: Socket, facts: SessionFacts): SocketHandler;
}

interface Candidate {
  readonly request: UpgradeRequest;
  readonly identity: Identity;
  readonly version: OcppVersion;
}

/** Makes the decision of an edge. */
export function createUpgrade(
  ports: UpgradePorts,
): (request: UpgradeRequest) => UpgradeDecision | Promise<UpgradeDecision> {
  const notAdmitted = (request: UpgradeRequest): UpgradeDecision | undefined => {
    const admission = ports.admission();
    if (admission.kind === "open") return undefined;
    const seconds = Math.max(ports.retryAfterSeconds, Math.ceil(admission.retryAfterMs / 1000));
    const refusal = plain(503, admission.reason, { "Retry-After": String(seconds) });
    return refuse(ports, request, admission.reason, refusal);
  };
  return (request) => {
    const segment = segmentOf(request.path, ports.path);
    if (segment === undefined)
      return refuse(ports, request, "path", plain(404, `charge points connect to ${ports.path}{identity}`));
    const parsed = identityIn(segment);
    if (!parsed.ok) return refuse(ports, request, "identity", plain(400, `not an identity: ${parsed.fault}`));
    const full = notAdmitted(request);
    if (full !== undefined) return full;
    // The first header's match is the one preferred most; only without one the others are looked for.
    const version =
      negotiate(request.offeredProtocols, ports.versions, parsed.validFor2x) ??
      negotiate(request.allOfferedProtocols(), ports.versions, parsed.validFor2x);
    if (version === undefined) {
      const refused = refuse(ports, request, "subprotocol", noSubprotocol(ports));
      return ports.noSubprotocol === "close" ? upgradeThenClose : refused;
    }
    const candidate: Candidate = { request, identity: parsed.identity, version };
    const found = ports.authenticate(parsed.identity, version, request.authorization, request);
    if (!(found instanceof Promise)) return decide(ports, candidate, found); // P2
    return found.then(
      (late) => (late === "gone" ? undefined : notAdmitted(request)) ?? decide(ports, candidate, late), // P4
    );
  };
}

function decide(ports: UpgradePorts, candidate: Candidate, found: Authenticated): UpgradeDecision {
  const { request, identity, version } = candidate;
  if (found === "gone") return toNobody; // P4
  if (found === "busy") {
    const headers = { "Retry-After": String(ports.retryAfterSeconds) };
    return refuse(ports, request, "capacity", plain(503, "too many keys to check", headers));
  }
  if (found === "unknown")
    return refuse(ports, request, "unknownIdentity", plain(404, "unknown charge point"));
  if (found === "bad") {
    const challenge = { "WWW-Authenticate": 'Basic realm="charge points", charset="UTF-8"' };
    return refuse(ports, request, "credentials", plain(401, "bad credentials", challenge));
  }
  const facts: SessionFacts = {
    identity,
    version,
    key: identityKey(identity, version),
    connection: ports.ids.connection(),
    remote: request.remote,
    connectedAtMs: ports.time.wallMs(),
    authenticatedAtMs: ports.time.monotonicMs(), // P3
  };
  const open = (socket: Socket): SocketHandler => ports.begin(socket, facts);
  return { kind: "accept", subprotocol: subprotocolOf(version), open };
}

function refuse(
  ports: UpgradePorts,
  request: UpgradeRequest,
  reason: RefusalReason,
  refusal: HttpRefusal,
): UpgradeDecision {
  ports.instruments.refused(reason);
  ports.log?.refused(reason, request);
  return { kind: "refuse", refusal };
}

function plain(status: number, body: string, headers: Readonly<Record<string, string>> = {}): HttpRefusal {
  return { status, headers: { ...headers, "Content-Type": "text/plain" }, body: `${body}\n` };
}

function noSubprotocol(ports: UpgradePorts): HttpRefusal {
  const spoken = ports.versions.map(subprotocolOf).join(", ");
  return plain(
    400,
    `no subprotocol in common; spoken here: ${spoken}; an identity that OCPP 2.x forbids has ocpp1.6 only`,
  );
}

// The border sends it to nobody.
const toNobody: UpgradeDecision = { kind: "refuse", refusal: plain(503, "gone") };

const ignoreEverything: SocketHandler = {
  text: () => undefined,
  binary: () => undefined,
  drained: () => undefined,
  closed: () => undefined,
};

// OCPP-J 2.0.1 §3.1.2: complete the handshake without a subprotocol and close at once. No session, no claim.
const upgradeThenClose: UpgradeDecision = {
  kind: "accept",
  subprotocol: undefined,
  open(socket) {
    const { code, reason } = closeTable.noSubprotocol;
    socket.end(code, reason);
    return ignoreEverything;
  },
};
