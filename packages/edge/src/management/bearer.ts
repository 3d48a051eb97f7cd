// The bearer token of the management API. Pure.
//
// The comparison takes the same time whatever is wrong with the token: both sides are hashed first, so neither length
// nor common prefix shows.

import { createHash, timingSafeEqual } from "node:crypto";

/** Says whether an Authorization header carries the token; every header does when no token is set. */
export function bearerCheck(token: string | undefined): (authorization: string | undefined) => boolean {
  if (token === undefined) return () => true;
  const wanted = digest(token);
  return (authorization) => {
    const given = /^Bearer +([!-~]+) *$/i.exec(authorization ?? "")?.[1];
    return timingSafeEqual(digest(given ?? ""), wanted) && given !== undefined;
  };
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
