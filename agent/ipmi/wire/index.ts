/** IPMI packets as bytes, both ends: pure functions over Uint8Array. Imports nothing outside this folder. */
export * from "./bytes.js";
export * from "./completion.js";
export * from "./datagram.js";
export * from "./handshake.js";
export * from "./layout.js";
export * from "./malformed.js";
export * from "./message.js";
export * from "./rmcp.js";
export * from "./session15.js";
export * from "./session20.js";
export * from "./sol.js";
