/** IPMI commands as tables of data. Imports wire. */
export * from "./boot.js";
export * from "./channel.js";
export * from "./chassis.js";
export * from "./command.js";
export * from "./device.js";
export * from "./event-log.js";
export * from "./event-record.js";
export * from "./payload.js";
export * from "./sensor.js";
export * from "./sensor-record.js";
export * from "./sensor-repository.js";
export * from "./sol-configuration.js";
export * from "./user.js";
