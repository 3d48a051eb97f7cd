// Every setting of the gateway: the table, and the one function that reads it.
export { loadConfig } from "./load.ts";
export type { LoadInput, Loaded, NamedFiles } from "./load.ts";
export { settingList } from "./names.ts";
export type { NamedSetting } from "./names.ts";
export { readJsonText } from "./json-text.ts";
export type { JsonRead } from "./json-text.ts";
export { settings } from "./settings.ts";
export type { GatewayConfig } from "./settings.ts";
export type { Setting } from "./kinds.ts";
