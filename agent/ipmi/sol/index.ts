export * from "./activation.js";
export * from "./events.js";
export * from "./hold.js";
export * from "./line.js";
export * from "./stream.js";
