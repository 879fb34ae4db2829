export * from "./counted.js";
export * from "./transport.js";
export * from "./udp.js";
