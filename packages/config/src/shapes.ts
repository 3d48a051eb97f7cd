// What texts must look like to be used as settings: hosts, addresses, URLs, paths. Pure.

/** A host name or an IP address, not yet resolved: no blanks, no port, no brackets. */
export function isHost(value: string): boolean {
  return /^[\w.:%-]{1,255}$/.test(value) && !/^[^:]*:\d*$/.test(value);
}

/** A file name: anything the system could open (no NUL, not endless). */
export function isFilePath(value: string): boolean {
  return value.length <= 4_096 && !value.includes("\0");
}

/** `host:port`, the host of an IPv6 address in brackets: `10.0.0.1:7000`, `[::1]:7000`. */
export function isHostPort(value: string): value is string {
  const parts = /^(?:\[([\da-fA-F:.%]+)\]|([\w.-]{1,255})):(\d{1,5})$/.exec(value);
  const port = Number(parts?.[3]);
  return parts !== null && port >= 1 && port <= 65_535;
}

/** An absolute http(s) URL to which a path can be added, without user name or password: credentials in a URL end up in logs. */
export function isHttpBaseUrl(value: string): boolean {
  if (!URL.canParse(value) || /[\s?#]/.test(value)) return false;
  const { protocol, username, password } = new URL(value);
  return (protocol === "http:" || protocol === "https:") && username === "" && password === "";
}

/** Whether an address reaches only this machine. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

/** A guard for the words of a closed list. */
export function isOneOf<const W extends string>(words: readonly W[]): (value: string) => value is W {
  return (value): value is W => words.some((word) => word === value);
}

/**
 * The text without what may be a secret in it: all before its last @, for where a password begins is known only where it was
 * written correctly, and all behind its first ? or #, where keys are given to servers. With an @ behind a ? nothing is left.
 */
export function withoutCredentials(value: string): string {
  const [, address = "", query = ""] = /^([^?#]*)(.*)$/s.exec(value) ?? [];
  if (query.includes("@")) return "[masked]";
  const shown = address.replace(/^.*@/s, "[masked]@");
  return query === "" ? shown : `${shown}${query.slice(0, 1)}[masked]`;
}
