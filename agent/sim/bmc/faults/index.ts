export * from "./active-faults.js";
export * from "./fault.js";
export * from "./table.js";
