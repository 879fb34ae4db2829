/** Keys and sealed packets, both ends. Imports wire and node:crypto. */
export * from "./cbc.js";
export * from "./credentials.js";
export * from "./hmac.js";
export * from "./packets.js";
export * from "./rakp.js";
export * from "./suites.js";
