// Why a connection to a node came to nothing, as it is told to people.

import { expect, it } from "vitest";
import { describeEnd, describeFailure, isAboutEnd, type ConnectionEnd } from "../../src/redis/error-map.ts";

const silent: ConnectionEnd = {
  address: "redis:7000",
  isTls: false,
  reached: "nothing",
  isClosed: false,
  error: undefined,
};
const failed = (message: string, more: object = {}): Error => Object.assign(new Error(message), more);
const reset = failed("read ECONNRESET", { code: "ECONNRESET" });
const wrongVersion = failed("C0:error:0A00010B:SSL routines:f:wrong version number:../ssl/f.c:77:\n", {
  code: "ERR_SSL_WRONG_VERSION_NUMBER",
  reason: "wrong version number",
});
const tls = { ...silent, isTls: true };

it.each<[ConnectionEnd, string]>([
  [silent, "redis:7000: no connection to it comes about"],
  [
    { ...silent, isClosed: true, error: failed("connect ECONNREFUSED redis:7000", { code: "ECONNREFUSED" }) },
    "connect ECONNREFUSED redis:7000",
  ],
  [{ ...silent, error: failed("", { code: "ECONNREFUSED" }) }, "redis:7000: ECONNREFUSED"],
  [{ ...silent, reached: "peer" }, "redis:7000: it is connected to and does not answer"],
  [
    { ...silent, reached: "peer", isClosed: true },
    "redis:7000: it closed the connection before it answered (does it want redis.tls.enabled, or is it no Redis?)",
  ],
  [
    { ...tls, reached: "peer", isClosed: true, error: reset },
    "redis:7000: it closed the connection before it answered (does it want redis.tls.certFile, or is it no Redis?): read ECONNRESET",
  ],
  [{ ...silent, reached: "redis", isClosed: true, error: reset }, "redis:7000: read ECONNRESET"],
  [{ ...silent, reached: "redis", isClosed: true }, "redis:7000: it closed the connection"],
  [{ ...tls, reached: "nothing" }, "redis:7000: no connection to it comes about"],
  [
    { ...tls, reached: "host" },
    "redis:7000: it is connected to and begins no TLS (it hangs, or its port is one without: redis.tls.enabled)",
  ],
  [
    { ...tls, reached: "host", isClosed: true },
    "redis:7000: it speaks no TLS (check its port, and redis.tls.enabled)",
  ],
  [
    { ...tls, reached: "host", isClosed: true, error: wrongVersion },
    "redis:7000: it speaks no TLS (check its port, and redis.tls.enabled): wrong version number (ERR_SSL_WRONG_VERSION_NUMBER)",
  ],
  [
    { ...tls, reached: "host", error: failed("certificate has expired", { code: "CERT_HAS_EXPIRED" }) },
    "redis:7000: its certificate is not trusted (redis.tls.caFile): certificate has expired (CERT_HAS_EXPIRED)",
  ],
  [
    { ...silent, reached: "peer", error: failed('Unknown RESP type 72 "H"') },
    'redis:7000: it is no Redis: Unknown RESP type 72 "H"',
  ],
])("of %o is said: %s", (end, text) => {
  expect(describeEnd(end)).toBe(text);
});

it("is what a failure says that itself only says that the connection ended", () => {
  const ended = Object.assign(new Error("Connection is closed."), { cause: new Error("the reason") });
  expect(isAboutEnd(ended)).toBe(true);
  expect(describeFailure(ended)).toBe("the reason");
  const all = Object.assign(new Error("Failed to refresh slots cache."), { lastNodeError: ended });
  expect(describeFailure(all)).toBe("Failed to refresh slots cache. (the reason)");
  expect(describeFailure(Object.assign(new Error("WRONGTYPE …"), { cause: reset }))).toBe("WRONGTYPE …");
});

it.each(["ERR This instance has cluster support disabled", "NOAUTH Authentication required.", "OOM x"])(
  "of %s there is advice, once, also where another error passes it on",
  (says) => {
    const advised = describeFailure(new Error(says));
    expect(advised).toMatch(/^.+ \(.+\)$/);
    const passedOn = `append: no Redis node is known to serve this slot; the last one said: ${advised}`;
    expect(describeFailure(new Error(passedOn))).toBe(passedOn);
  },
);

it("never repeats what a server repeats of HELLO: the password is among it", () => {
  const unknown = new Error("ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'opensesame'");
  expect(describeFailure(unknown)).toBe("ERR unknown command 'HELLO', with args beginning with: [masked]");
});
