import { createRequire } from "node:module";
import { describe, expect, test } from "vitest";
import {
  actionLabel,
  actions,
  isKnownAction,
  isTransactionMessage,
  mayChargePointSend,
  ocppVersions,
  type OcppVersion,
} from "../src/index.ts";

const require = createRequire(import.meta.url);

// The official schemas, which ocpp-rpc carries unaltered: `urn:Reset.req`, `urn:ResetRequest`, or for a SEND its bare name.
function schemaActions(file: string): Set<string> {
  const schemas: { $id: string }[] = require(`ocpp-rpc/lib/schemas/${file}`);
  const names = schemas.map(({ $id }) => $id.replace(/^urn:/, ""));
  const requests = names.filter((name) => !/(\.conf|Response)$/.test(name));
  return new Set(requests.map((name) => name.replace(/(\.req|Request)$/, "")));
}

describe("the action tables", () => {
  test.each<[OcppVersion, string, number]>([
    ["1.6", "ocpp1_6.json", 39],
    ["2.0.1", "ocpp2_0_1.json", 64],
    ["2.1", "ocpp2_1.json", 91],
  ])("%s has the actions of the official schemas, no more and no fewer", (version, file, count) => {
    expect(new Set(actions[version].keys())).toEqual(schemaActions(file));
    expect(actions[version].size).toBe(count);
  });

  test("2.1 keeps every action of 2.0.1, sent by the same side", () => {
    for (const [action, by] of actions["2.0.1"]) expect(actions["2.1"].get(action)).toBe(by);
  });

  test.each([
    ["BootNotification", "1.6", true, "chargePoint"],
    ["RemoteStartTransaction", "1.6", false, "csms"],
    ["DataTransfer", "1.6", true, "both"],
    ["RequestStartTransaction", "1.6", false, undefined],
    ["TransactionEvent", "2.0.1", true, "chargePoint"],
    ["GetVariables", "2.0.1", false, "csms"],
    ["NotifyPeriodicEventStream", "2.1", true, "chargePoint"],
    ["AFRRSignal", "2.1", false, "csms"],
    ["bootNotification", "1.6", false, undefined],
  ] as const)("%s in %s: may a charge point send it: %s; by %s", (action, version, may, by) => {
    expect(mayChargePointSend(action, version)).toBe(may);
    expect(actions[version].get(action)).toBe(by);
  });

  test("a station cannot invent an action or a label, whatever name it thinks of", () => {
    for (const version of ocppVersions) {
      for (const name of ["__proto__", "constructor", "toString", "", "x".repeat(70_000), "Heartbeat "]) {
        expect(isKnownAction(name, version)).toBe(false);
        expect(actionLabel(name, version)).toBe("unknown");
      }
      expect(actionLabel("Heartbeat", version)).toBe("Heartbeat");
    }
  });
});

test("transaction messages are those that a station throws away after a few refusals", () => {
  const of = (version: OcppVersion) =>
    [...actions[version].keys()].filter((action) => isTransactionMessage(action, version)).sort();
  expect(of("1.6")).toEqual(["MeterValues", "StartTransaction", "StopTransaction"]);
  expect(of("2.0.1")).toEqual(["TransactionEvent"]);
  expect(of("2.1")).toEqual(["TransactionEvent"]);
  expect(isTransactionMessage("TransactionEvent", "1.6")).toBe(false);
});
