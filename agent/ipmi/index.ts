/** IPMI v2.0 over LAN: see README.md. A BMC simulator imports wire, command and crypto instead. */
export { openBmc, type Bmc, type BmcDependencies } from "./client.js";
export type { BootDevice, ChassisAction, Command, ReplyOf, RequestOf } from "./command/index.js";
export { discoverBmc, type BmcCapabilities, type BmcDiscovery, type DiscoveredSuite } from "./discover.js";
export { newMemory, type BmcMemory } from "./known-quirks.js";
export type { BmcOptions } from "./options.js";
export { parseQuirks, quirkEntry, quirkNames, quirkTable, type Quirk, type QuirkEntry } from "./quirks.js";
export { LoginWindow, type Deviation, type Random } from "./session/index.js";
export type { SolEvent, SolStream } from "./sol/index.js";
export { UdpTransport, type Remote, type Route, type RouteListener, type Traffic, type Transport } from "./transport/index.js";
