// Alerts about identities. Data.

import { edge1, of, short, type AlertCases } from "./situation.ts";

/** Whether each charge point has one of its own. */
export const identityCases: Readonly<Record<string, AlertCases>> = {
  IdentitiesContested: {
    fires: {
      ...short,
      when: "two pairs of charge points have thrown each other out for a quarter of an hour",
      series: { [of("charge_points_contested")]: "0x4 2x70" },
      at: "16m",
      labels: edge1(),
      summary: "2 identities at edge-1 are taken over again and again: two charge points with one identity?",
    },
    quiet: [
      {
        ...short,
        when: "one was swapped, and was there twice for some minutes",
        series: { [of("charge_points_contested")]: "0x4 1x30 0x40" },
        at: "16m",
      },
      {
        ...short,
        when: "nobody contests anything",
        series: { [of("charge_points_contested")]: "0x70" },
        at: "16m",
      },
    ],
  },
};
