// An Ownership that remembers what it was asked and says what the test tells it to. Stands for @cpg/session-registry.

import type {
  Admission,
  ClaimAdmission,
  ConnectionId,
  EndCause,
  NewSession,
  OwnedSessions,
  Ownership,
} from "@cpg/session-registry";

export class FakeOwnership implements Ownership {
  readonly claims: NewSession[] = [];
  readonly releases: { connection: ConnectionId; cause: EndCause }[] = [];
  /** In the order of the calls: `claim`, `release`, `setDraining`, `stop`. */
  readonly log: string[] = [];
  sessions: OwnedSessions | undefined;
  nextAdmission: Admission = { kind: "open" };
  nextClaim: ClaimAdmission = { kind: "accepted" };
  /** False: claims stay without a grant, as while Redis is away. */
  grantsClaims = true;
  isStopped = false;
  #epoch = 1_000;

  start(sessions: OwnedSessions): Promise<void> {
    this.sessions = sessions;
    return Promise.resolve();
  }
  admission(): Admission {
    return this.nextAdmission;
  }
  claim(session: NewSession): ClaimAdmission {
    this.claims.push(session);
    this.log.push("claim");
    const epoch = (this.#epoch += 1);
    if (this.nextClaim.kind === "accepted" && this.grantsClaims) {
      queueMicrotask(() => this.sessions?.granted(session, epoch));
    }
    return this.nextClaim;
  }
  release({ connection }: Pick<NewSession, "connection">, cause: EndCause): void {
    this.log.push("release");
    this.releases.push({ connection, cause });
  }
  isLeaseValid(): boolean {
    return true;
  }
  lookup(): Promise<{ kind: "absent" }> {
    return Promise.resolve({ kind: "absent" });
  }
  purge(): Promise<void> {
    return Promise.resolve();
  }
  send(): Promise<boolean> {
    return Promise.resolve(true);
  }
  tell(): Promise<boolean> {
    return Promise.resolve(true);
  }
  handOver(): Promise<{ kind: "absent" }> {
    return Promise.resolve({ kind: "absent" });
  }
  list(): Promise<{ sessions: [] }> {
    return Promise.resolve({ sessions: [] });
  }
  edges(): [] {
    return [];
  }
  setDraining(): void {
    this.log.push("setDraining");
  }
  health() {
    return {
      isLeaseValid: true,
      leaseAgeMs: 0,
      lastHeardMs: 0,
      isChannelAlive: true,
      owed: 0,
      openCircuits: [],
      problems: [],
    };
  }
  stop(): Promise<void> {
    this.log.push("stop");
    this.isStopped = true;
    return Promise.resolve();
  }
}
