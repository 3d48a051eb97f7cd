// Names and ports that no other test uses.

import { randomBytes } from "node:crypto";

import { findFreePorts } from "@cpg/infra";

/** A key prefix of this test alone (`t3f9a1c0b2:`), so that tests may share one Redis. Has no braces: it is no hash tag. */
export function uniquePrefix(): string {
  return `t${randomBytes(5).toString("hex")}:`;
}

/** A port free on `host` (default 127.0.0.1) which this process has given to nobody else. */
export async function freePort(host?: string): Promise<number> {
  const [port] = await findFreePorts(1, host);
  if (port === undefined) throw new Error("no free port");
  return port;
}
