// The actions of each version and who may send them. Data and look-ups. Pure.
// A1. The names equal those of the official schemas, as ocpp-rpc 2.2.1 carries them; a test compares.
// A2. Look-ups are in Maps: an action called `constructor` or `__proto__` is an unknown action.

import type { OcppVersion } from "./version.ts";

/** Who may send a CALL (or SEND) with this action. */
export type Initiator = "chargePoint" | "csms" | "both";

// OCPP 1.6 edition 2 §4 and §5, and the security whitepaper (edition 3).
const fromChargePoint16 =
  "Authorize BootNotification DiagnosticsStatusNotification FirmwareStatusNotification Heartbeat LogStatusNotification " +
  "MeterValues SecurityEventNotification SignCertificate SignedFirmwareStatusNotification StartTransaction " +
  "StatusNotification StopTransaction";
const fromCsms16 =
  "CancelReservation CertificateSigned ChangeAvailability ChangeConfiguration ClearCache ClearChargingProfile " +
  "DeleteCertificate ExtendedTriggerMessage GetCompositeSchedule GetConfiguration GetDiagnostics " +
  "GetInstalledCertificateIds GetLocalListVersion GetLog InstallCertificate RemoteStartTransaction " +
  "RemoteStopTransaction ReserveNow Reset SendLocalList SetChargingProfile SignedUpdateFirmware TriggerMessage " +
  "UnlockConnector UpdateFirmware";

// OCPP 2.0.1 part 2, "Messages".
const fromChargePoint201 =
  "Authorize BootNotification ClearedChargingLimit FirmwareStatusNotification Get15118EVCertificate " +
  "GetCertificateStatus Heartbeat LogStatusNotification MeterValues NotifyChargingLimit NotifyCustomerInformation " +
  "NotifyDisplayMessages NotifyEVChargingNeeds NotifyEVChargingSchedule NotifyEvent NotifyMonitoringReport NotifyReport " +
  "PublishFirmwareStatusNotification ReportChargingProfiles ReservationStatusUpdate SecurityEventNotification " +
  "SignCertificate StatusNotification TransactionEvent";
const fromCsms201 =
  "CancelReservation CertificateSigned ChangeAvailability ClearCache ClearChargingProfile ClearDisplayMessage " +
  "ClearVariableMonitoring CostUpdated CustomerInformation DeleteCertificate GetBaseReport GetChargingProfiles " +
  "GetCompositeSchedule GetDisplayMessages GetInstalledCertificateIds GetLocalListVersion GetLog GetMonitoringReport " +
  "GetReport GetTransactionStatus GetVariables InstallCertificate PublishFirmware RequestStartTransaction " +
  "RequestStopTransaction ReserveNow Reset SendLocalList SetChargingProfile SetDisplayMessage SetMonitoringBase " +
  "SetMonitoringLevel SetNetworkProfile SetVariableMonitoring SetVariables TriggerMessage UnlockConnector " +
  "UnpublishFirmware UpdateFirmware";

// OCPP 2.1 part 2, "Messages": what it adds. NotifyPeriodicEventStream is its one SEND.
const sent21 = "NotifyPeriodicEventStream";
const fromChargePoint21 =
  "BatterySwap GetCertificateChainStatus NotifyDERAlarm NotifyDERStartStop NotifyPriorityCharging NotifySettlement " +
  "OpenPeriodicEventStream PullDynamicScheduleUpdate ReportDERControl VatNumberValidation";
const fromCsms21 =
  "AdjustPeriodicEventStream AFRRSignal ChangeTransactionTariff ClearDERControl ClearTariffs GetDERControl " +
  "GetPeriodicEventStream GetTariffs NotifyAllowedEnergyTransfer NotifyWebPaymentStarted RequestBatterySwap " +
  "SetDefaultTariff SetDERControl UpdateDynamicSchedule UsePriorityCharging";
// Use case and message description disagree about who closes a stream; either may.
const fromBoth21 = "ClosePeriodicEventStream";

/** The known actions per version and who may send them: bounded, so fit for labels and for checking routes. */
export const actions: Readonly<Record<OcppVersion, ReadonlyMap<string, Initiator>>> = {
  "1.6": table({ chargePoint: fromChargePoint16, csms: fromCsms16, both: "DataTransfer" }),
  "2.0.1": table({ chargePoint: fromChargePoint201, csms: fromCsms201, both: "DataTransfer" }),
  "2.1": table({
    chargePoint: `${fromChargePoint201} ${fromChargePoint21} ${sent21}`,
    csms: `${fromCsms201} ${fromCsms21}`,
    both: `DataTransfer ${fromBoth21}`,
  }),
};

function table(names: Readonly<Record<Initiator, string>>): ReadonlyMap<string, Initiator> {
  const initiators: readonly Initiator[] = ["chargePoint", "csms", "both"];
  return new Map(initiators.flatMap((by) => names[by].split(" ").map((name) => [name, by] as const)));
}

/** Whether `action` belongs to `version`, case-sensitively (OCPP-J §4.2.1). */
export function isKnownAction(action: string, version: OcppVersion): boolean {
  return actions[version].has(action);
}

/** Whether a charge point may send `action`. DataTransfer and the like go both ways. */
export function mayChargePointSend(action: string, version: OcppVersion): boolean {
  const by = actions[version].get(action);
  return by === "chargePoint" || by === "both";
}

/** `action` if it is known, else `unknown`: the value of a metric's label, which a station must not be able to invent. */
export function actionLabel(action: string, version: OcppVersion): string {
  return actions[version].has(action) ? action : "unknown";
}

const transactionMessages: Readonly<Record<OcppVersion, ReadonlySet<string>>> = {
  "1.6": new Set(["StartTransaction", "StopTransaction", "MeterValues"]),
  "2.0.1": new Set(["TransactionEvent"]),
  "2.1": new Set(["TransactionEvent"]),
};

/**
 * Whether `action` carries a transaction's facts, so that a station repeats it a few times and then throws it away
 * (1.6 §3.7 "transaction-related messages", 2.x part 2 E13): never refuse one fast, never acknowledge one before it is durable.
 * 1.6 MeterValues counts as one whether or not it names a transaction: telling needs the payload, and erring this way loses nothing.
 */
export function isTransactionMessage(action: string, version: OcppVersion): boolean {
  return transactionMessages[version].has(action);
}
