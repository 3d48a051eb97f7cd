// What stations send. Each is the tail of a CALL, after its id.

/** The smallest CALL there is. */
export const heartbeat = `,"Heartbeat",{}]`;

/** The payload of a usual MeterValues of 1.6: two measurands, about 300 bytes. */
export const meterValuesPayload = JSON.stringify({
  connectorId: 1,
  transactionId: 4711,
  meterValue: [
    {
      timestamp: "2026-11-23T00:00:00.000Z",
      sampledValue: [
        {
          value: "1234567",
          context: "Sample.Periodic",
          measurand: "Energy.Active.Import.Register",
          unit: "Wh",
        },
        { value: "11040.5", context: "Sample.Periodic", measurand: "Power.Active.Import", unit: "W" },
      ],
    },
  ],
});

/** MeterValues. */
export const meterValues = `,"MeterValues",${meterValuesPayload}]`;

/** StopTransaction of 1.6: a transaction message. */
export const stopTransaction = `,"StopTransaction",{"transactionId":4711,"meterStop":1234567,"timestamp":"2026-11-23T00:00:00.000Z","reason":"Local"}]`;

/** BootNotification of 1.6. */
export const bootNotification = `,"BootNotification",{"chargePointVendor":"Acme","chargePointModel":"One"}]`;
