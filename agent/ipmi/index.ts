/** IPMI v2.0 over LAN: see README.md. A BMC simulator imports wire, command and crypto instead. */
export { bootDeviceWords, type FirmwareBoot, readFirmwareBoot, setFirmwareBoot } from "./boot-override.js";
export { openBmc, type Bmc, type BmcDependencies } from "./client.js";
export { completionOf } from "./completion.js";
export type { BootDevice, Carrier, ChassisAction, Command, ReplyOf, RequestOf } from "./command/index.js";
export { discoverBmc, type BmcCapabilities, type BmcDiscovery, type DiscoveredSuite } from "./discover.js";
export { type LogEntry, logEntry, type LogRecords, readLog } from "./event-log/index.js";
export { identify } from "./identify.js";
export * from "./inquiry/index.js";
export { newMemory, type BmcMemory } from "./known-quirks.js";
export type { BmcOptions } from "./options.js";
export { parseQuirks, quirkEntry, quirkNames, quirkTable, type Quirk, type QuirkEntry } from "./quirks.js";
export { type Reading, type Sensor, sensorKind, SensorRepository } from "./sensors/index.js";
export { LoginWindow, type Deviation, type Random } from "./session/index.js";
export type { SolEvent, SolStream } from "./sol/index.js";
export {
  countedTransport,
  UdpTransport,
  type Remote,
  type Route,
  type RouteListener,
  type Traffic,
  type Transport,
} from "./transport/index.js";
