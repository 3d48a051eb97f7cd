import { expect, test } from "vitest";
import { negotiate, ocppVersions, subprotocolOf, type OcppVersion } from "../src/index.ts";

test.each<[string | undefined, readonly OcppVersion[], boolean, OcppVersion | undefined, string]>([
  ["ocpp1.6", ocppVersions, true, "1.6", "one offer"],
  ["ocpp2.0.1, ocpp1.6", ocppVersions, true, "2.0.1", "the station prefers 2.0.1"],
  ["ocpp1.6, ocpp2.1", ocppVersions, true, "1.6", "the station's preference wins over the newer version"],
  ["ocpp2.1,ocpp2.0.1,ocpp1.6", ["1.6", "2.0.1"], true, "2.0.1", "its next preference, where 2.1 is off"],
  ["ocpp2.0.1, ocpp1.6", ocppVersions, false, "1.6", "the identity is not valid under 2.x"],
  [
    "ocpp2.0.1, ocpp2.1",
    ocppVersions,
    false,
    undefined,
    "the identity is not valid under 2.x, and 1.6 is not offered",
  ],
  [" ocpp1.5 ,\tocpp1.6 ", ocppVersions, true, "1.6", "white space around commas means nothing"],
  ["ocpp1.5, ocpp2.0", ocppVersions, true, undefined, "versions that nobody here speaks"],
  ["OCPP1.6", ocppVersions, true, undefined, "names are compared exactly"],
  ["ocpp1.6J", ocppVersions, true, undefined, "names are compared whole"],
  ["constructor, __proto__", ocppVersions, true, undefined, "names of a prototype are no versions"],
  ["", ocppVersions, true, undefined, "an empty header"],
  [",,,", ocppVersions, true, undefined, "only commas"],
  [undefined, ocppVersions, true, undefined, "no header"],
  ["ocpp1.6", [], true, undefined, "nothing is supported"],
])("%j against %j (2.x identity: %s) gives %s: %s", (offered, supported, validFor2x, version) => {
  expect(negotiate(offered, supported, validFor2x)).toBe(version);
});

test("the registered names", () => {
  expect(ocppVersions.map(subprotocolOf)).toEqual(["ocpp1.6", "ocpp2.0.1", "ocpp2.1"]);
});
