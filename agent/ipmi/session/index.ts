export * from "./connect.js";
export * from "./failures.js";
export * from "./handshake.js";
export * from "./login.js";
export * from "./sequence-window.js";
export * from "./session.js";
