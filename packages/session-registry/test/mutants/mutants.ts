// The guards of the registry, each with the text that is taken out of its source: one mutant each, as data.

/** One guard less. */
export interface Mutant {
  /** What is removed. */
  readonly guard: string;
  /** Where, below the package. */
  readonly file: string;
  /** Must occur exactly once in the file. */
  readonly from: string;
  readonly to: string;
  /** The model finds it too, without the suite of single promises. */
  readonly isFoundByModel?: true;
}

const memory = "src/memory/memory-backend.ts";
const claim = "lua/claim-n.lua";
const release = "lua/release-n.lua";

/** Of the in-process store. */
export const memoryMutants: readonly Mutant[] = [
  {
    guard: "fence check of a claim",
    file: memory,
    from: 'if (state.fenced.has(claimant.incarnation)) return { kind: "fenced" };',
    to: "",
    isFoundByModel: true,
  },
  {
    guard: "undo tombstone, read",
    file: memory,
    from: 'if (state.undone.has(claim.connection)) return { kind: "undone" };',
    to: "",
    isFoundByModel: true,
  },
  {
    guard: "undo tombstone, written",
    file: memory,
    from: "state.undone.set(release.connection, this.nowUs() + this.#retention.tombstoneMs * 1000);",
    to: "",
    isFoundByModel: true,
  },
  {
    guard: "claim-id memory",
    file: memory,
    from: 'if (row && same && row.incarnation === claimant.incarnation) return { kind: "granted", epoch: row.epoch };',
    to: "",
    isFoundByModel: true,
  },
  {
    guard: "stamp compare",
    file: memory,
    from: "row && !same && row.stampUs <= now && isNewer(row, claim)",
    to: "row && now < 0",
    isFoundByModel: true,
  },
  {
    guard: "stamp compare: a tie has one winner",
    file: memory,
    from: "(row.stampUs === claim.stampUs && row.connection > claim.connection)",
    to: "false",
  },
  { guard: "a row's future stamp is ignored", file: memory, from: "row.stampUs <= now && ", to: "" },
  {
    guard: "no stamp of the future is stored",
    file: memory,
    from: "Math.min(claim.stampUs, now)",
    to: "claim.stampUs",
  },
  { guard: "epoch above the row's", file: memory, from: "row ? row.epoch + 1 : 0", to: "0" },
  { guard: "epoch above the floor", file: memory, from: "claimant.epochFloor + 1", to: "0" },
  {
    guard: "epoch from the clock",
    file: memory,
    from: "Math.max(now, claimant",
    to: "Math.max(1, claimant",
    isFoundByModel: true,
  },
  {
    guard: "no eviction of oneself",
    file: memory,
    from: "if (!same && row.incarnation !== claimant.incarnation)",
    to: "if (!same)",
  },
  {
    guard: "incarnation compare of a release",
    file: memory,
    from: "row?.incarnation === incarnation;",
    to: "row !== undefined;",
    isFoundByModel: true,
  },
  {
    guard: "connection compare of a release",
    file: memory,
    from: "(release.connection === undefined || row?.connection === release.connection)",
    to: "true",
  },
  {
    guard: "epoch compare of a release",
    file: memory,
    from: "(release.epoch === undefined || row?.epoch === release.epoch)",
    to: "true",
  },
  {
    guard: "compare-and-delete of a release",
    file: memory,
    from: 'if (!row || !isMine || !matches) return "elsewhere";',
    to: 'if (!row) return "elsewhere";',
    isFoundByModel: true,
  },
  {
    guard: "a dead lease is not renewed",
    file: memory,
    from: 'if (value !== undefined && readLease(renewal.incarnation, value).state.kind === "dead") return "fenced";',
    to: "",
    isFoundByModel: true,
  },
  {
    guard: "compare-and-set of a burial",
    file: memory,
    from: "if (leases.get(judged.incarnation) !== judged.value) return false;",
    to: "",
  },
  {
    guard: "compare-and-delete of a tombstone",
    file: memory,
    from: "if (leases.get(tombstone.incarnation) === tombstone.value) leases",
    to: "leases",
  },
  {
    guard: "a fence names no more than asked for",
    file: memory,
    from: ".sort().slice(0, limit);",
    to: ".sort();",
  },
  {
    guard: "nothing is posted to the dead",
    file: memory,
    from: 'if (state.fenced.has(to)) return "dead";',
    to: "",
  },
  {
    guard: "a 1.6 row under the folded key is another station's",
    file: memory,
    from: " && isCandidate(at, row.version)",
    to: "",
  },
  {
    guard: "told only to whoever listens, else stored",
    file: memory,
    from: "const listener = this.#wakers.get(to);",
    to: "const listener = this.#wakers.get(to) ?? (() => undefined);",
  },
  {
    guard: "nothing is handed over to the dead",
    file: memory,
    from: 'if (this.#at(partition).fenced.has(row.incarnation)) return { kind: "dead", row };',
    to: "",
  },
];

/** Of the scripts. */
export const luaMutants: readonly Mutant[] = [
  {
    guard: "fence check of a claim",
    file: claim,
    from: "if redis.call('EXISTS', KEYS[3]) == 1 then return {now, -1} end",
    to: "",
  },
  {
    guard: "undo tombstone, read",
    file: claim,
    from: "if anyUndone and redis.call('ZSCORE', KEYS[4], connection) then",
    to: "if false then",
  },
  {
    guard: "undo tombstone, written",
    file: release,
    from: "redis.call('ZADD', KEYS[3], string.format('%.0f', now + tombstoneMs * 1000), connection)",
    to: "",
  },
  {
    guard: "claim-id memory",
    file: claim,
    from: "elseif same and row.incarnation == incarnation then",
    to: "elseif false then",
  },
  {
    guard: "stamp compare",
    file: claim,
    from: "elseif row and not same and row.stamp <= now",
    to: "elseif false",
  },
  {
    guard: "stamp compare: a tie has one winner",
    file: claim,
    from: " or (row.stamp == stamp and row.connection > connection)",
    to: "",
  },
  { guard: "a row's future stamp is ignored", file: claim, from: " and row.stamp <= now", to: "" },
  { guard: "no stamp of the future is stored", file: claim, from: "math.min(stamp, now)", to: "stamp" },
  { guard: "epoch above the row's", file: claim, from: "row and row.epoch + 1 or 0", to: "0" },
  { guard: "epoch above the floor", file: claim, from: "floor + 1,", to: "0," },
  { guard: "epoch from the clock", file: claim, from: "math.max(now, floor", to: "math.max(1, floor" },
  {
    guard: "no eviction of oneself",
    file: claim,
    from: "row.incarnation ~= incarnation and not same",
    to: "not same",
  },
  {
    guard: "format of a row, claimed",
    file: claim,
    from: "if f[1] ~= FORMAT or not epoch",
    to: "if not epoch",
  },
  {
    guard: "another type where a row belongs",
    file: claim,
    from: "redis.pcall('HMGET'",
    to: "redis.call('HMGET'",
  },
  {
    guard: "a refused wake-up stops no take-over",
    file: claim,
    from: "redis.pcall('SPUBLISH'",
    to: "redis.call('SPUBLISH'",
  },
  { guard: "garbage for events, claimed", file: claim, from: "redis.call('XLEN', KEYS[1])", to: "" },
  { guard: "garbage for the index, claimed", file: claim, from: "redis.call('ZCARD', KEYS[2])", to: "" },
  {
    guard: "garbage for the loser's inbox",
    file: claim,
    from: "if evicts then redis.call('XLEN', inbox) end",
    to: "if evicts then redis.call('EXISTS', inbox) end",
  },
  { guard: "garbage for events, released", file: release, from: "redis.call('XLEN', KEYS[1])", to: "" },
  { guard: "garbage for the index, released", file: release, from: "redis.call('ZCARD', KEYS[2])", to: "" },
  { guard: "garbage for tombstones, released", file: release, from: "redis.call('ZCARD', KEYS[3])", to: "" },
  {
    guard: "incarnation compare of a release",
    file: release,
    from: " and f[3] == incarnation",
    to: "",
  },
  {
    guard: "connection compare of a release",
    file: release,
    from: "(connection == '' or f[4] == connection)",
    to: "true",
  },
  { guard: "epoch compare of a release", file: release, from: "(epoch == '0' or f[2] == epoch)", to: "true" },
  {
    guard: "compare-and-delete of a release",
    file: release,
    from: "if mine and (connection",
    to: "if true or (connection",
  },
  {
    guard: "a dead lease is not renewed",
    file: "lua/renew-1.lua",
    from: "if value and string.sub(value, 1, 5) ~= 'alive' then return {now, 0} end",
    to: "",
  },
  {
    guard: "compare-and-set of a burial",
    file: "lua/bury-1.lua",
    from: "if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return {now, 0} end",
    to: "",
  },
  {
    guard: "the fence is set",
    file: "lua/fence-2.lua",
    from: "redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])",
    to: "",
  },
  {
    guard: "a fence names no more than asked for",
    file: "lua/fence-2.lua",
    from: ", 'LIMIT', 0, ARGV[2]",
    to: "",
  },
  {
    guard: "nothing is posted to the dead",
    file: "lua/post-2.lua",
    from: "if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end",
    to: "",
  },
  {
    guard: "nothing is handed over to the dead",
    file: "lua/hand-over-n.lua",
    from: "if redis.call('EXISTS', fencePrefix .. owner) == 1 then return -2 end",
    to: "",
  },
  {
    guard: "a 1.6 row under the folded key is another station's",
    file: "lua/hand-over-n.lua",
    from: " and (n == 1 or f[8] ~= '1.6')",
    to: "",
  },
  {
    guard: "told only to whoever listens, else stored",
    file: "lua/deliver.lua",
    from: "listeners > 0",
    to: "listeners >= 0",
  },
  {
    guard: "a refused wake-up stops no message",
    file: "lua/deliver.lua",
    from: "redis.pcall('SPUBLISH'",
    to: "redis.call('SPUBLISH'",
  },
];
