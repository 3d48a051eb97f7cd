// Alerts about the file of charge points' keys. Data.

import { edge1, of, short, type AlertCases } from "./situation.ts";

/** Whether it knows its charge points. */
export const credentialCases: Readonly<Record<string, AlertCases>> = {
  CredentialsLost: {
    fires: {
      ...short,
      when: "a roll-out brought a file with a few charge points of many",
      series: { [of("auth_file_charge_points")]: "13000x50 40x40" },
      at: "14m",
      labels: edge1(),
      summary: "the credentials file of edge-1 has lost more than half of its charge points: 40 are left",
    },
    alsoFires: [
      {
        ...short,
        when: "the file is empty",
        series: { [of("auth_file_charge_points")]: "13000x50 0x40" },
        at: "14m",
        labels: edge1(),
        summary: "the credentials file of edge-1 has lost more than half of its charge points: 0 are left",
      },
    ],
    quiet: [
      {
        ...short,
        when: "some left, others came",
        series: { [of("auth_file_charge_points")]: "13000x50 9000x40" },
        at: "14m",
      },
      {
        ...short,
        when: "the edge has just started",
        series: { [of("auth_file_charge_points")]: "_x50 40x40" },
        at: "14m",
      },
    ],
  },
  CredentialsEmpty: {
    fires: {
      ...short,
      when: "an edge started with an empty file, four minutes ago",
      series: { [of("auth_file_charge_points")]: "_x4 0x40" },
      at: "5m",
      labels: edge1(),
      summary: "the credentials file of edge-1 has no charge point: it lets nobody in",
    },
    alsoFires: [
      {
        ...short,
        when: "the file has been empty for so long that it is only compared with an empty one",
        series: { [of("auth_file_charge_points")]: "13000x20 0x80" },
        at: "24m",
        labels: edge1(),
        summary: "the credentials file of edge-1 has no charge point: it lets nobody in",
      },
    ],
    quiet: [
      {
        ...short,
        when: "an empty file was there for a minute, before the right one",
        series: { [of("auth_file_charge_points")]: "_x4 0x4 13000x40" },
        at: "2m15s",
      },
      {
        ...short,
        when: "an edge knows a single charge point",
        series: { [of("auth_file_charge_points")]: "1x40" },
        at: "8m",
      },
      {
        ...short,
        when: "an edge has no file, because it asks nobody for a key",
        series: { [of("up")]: "1x40", [of("edge_ready")]: "1x40" },
        at: "8m",
      },
    ],
  },
  CredentialsFileUnusable: {
    fires: {
      ...short,
      when: "the file has had mistakes for over five minutes",
      series: { [of("auth_file_usable")]: "1x4 0x40" },
      at: "8m",
      labels: edge1(),
      summary: "edge-1 cannot use its credentials file: the last good one counts until it restarts",
    },
    quiet: [
      {
        ...short,
        when: "it was being written",
        series: { [of("auth_file_usable")]: "1x4 0x1 1x40" },
        at: "8m",
      },
    ],
  },
};
