// Alerts about identities. Data.

import { edge1, of, short, type AlertCases } from "./situation.ts";

/** Whether each charge point has one of its own. */
export const identityCases: Readonly<Record<string, AlertCases>> = {
  IdentitiesContested: {
    fires: {
      ...short,
      when: "two pairs of charge points have thrown each other out for more than twenty minutes",
      series: { [of("charge_points_contested")]: "0x4 2x100" },
      at: "23m",
      labels: edge1(),
      summary: "2 identities at edge-1 are taken over again and again: two charge points with one identity?",
    },
    quiet: [
      {
        ...short,
        when: "one was swapped, and was there twice for nine minutes: the gauge remembers ten more",
        series: { [of("charge_points_contested")]: "0x4 1x76 0x40" },
        at: "23m",
      },
      {
        ...short,
        when: "nobody contests anything",
        series: { [of("charge_points_contested")]: "0x100" },
        at: "23m",
      },
    ],
  },
};
