/** IPMI commands as tables of data. Imports wire. */
export * from "./boot.js";
export * from "./channel.js";
export * from "./chassis.js";
export * from "./command.js";
export * from "./device.js";
export * from "./payload.js";
export * from "./sol-configuration.js";
