// The life of one socket's claim, as a total table. Pure.
//
//   wanted ──sent──▶ asked ──granted──▶ owned
//     ▲                │ failed            │ reassert
//     └────────────────┴───────────────────┘
//   any ──closed──▶ leaving ──released──▶ forgotten        any ──evicted, superseded──▶ forgotten
//
// N1. A socket that closes while its claim is in flight is undone at once, by connection, whatever becomes of the claim (R4).
// N2. A grant that arrives after that is ignored: the tombstone, or the release behind it, ends the row.
// N3. `reassert` never changes what the edge believes; it only asks again, with the same stamp.

/** Where an entry is. `stale`: asked, and to be asked again whatever the answer says. */
export type Phase = "wanted" | "asked" | "stale" | "owned" | "leaving";

/** What can happen to it. */
export type Happening =
  | "sent" // a claim call with it goes out
  | "granted"
  | "superseded" // the claim's answer, or an eviction with a greater epoch
  | "undone"
  | "failed" // the call could not find out, or was never sent
  | "reassert" // a master changed, a new incarnation begins, or it is time to look again
  | "closed" // the socket is gone
  | "released"; // the release was answered, whatever it found

/** What becomes of the entry; `forgotten` = drop it. */
export type Next = Phase | "forgotten";

/** The whole table; `undefined` = cannot happen or says nothing: the entry stays as it is. */
export const transitions: Readonly<Record<Phase, Readonly<Record<Happening, Next | undefined>>>> = {
  wanted: {
    sent: "asked",
    granted: undefined,
    superseded: "forgotten",
    undone: undefined,
    failed: undefined,
    reassert: undefined,
    closed: "leaving",
    released: undefined,
  },
  asked: {
    sent: undefined,
    granted: "owned",
    superseded: "forgotten",
    undone: "forgotten",
    failed: "wanted",
    reassert: "stale",
    closed: "leaving", // N1
    released: undefined,
  },
  stale: {
    sent: undefined,
    granted: "wanted",
    superseded: "forgotten",
    undone: "forgotten",
    failed: "wanted",
    reassert: undefined,
    closed: "leaving",
    released: undefined,
  },
  owned: {
    sent: undefined,
    granted: undefined,
    superseded: "forgotten",
    undone: undefined,
    failed: undefined,
    reassert: "wanted", // N3
    closed: "leaving",
    released: undefined,
  },
  leaving: {
    sent: undefined,
    granted: undefined, // N2
    superseded: undefined,
    undone: undefined,
    failed: undefined,
    reassert: undefined,
    closed: undefined,
    released: "forgotten",
  },
};

/** What becomes of an entry in `phase` when `happening` happens. */
export function next(phase: Phase, happening: Happening): Next {
  return transitions[phase][happening] ?? phase;
}
