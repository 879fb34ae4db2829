/** The system event log: read, and put into words. Imports wire, command, sensors. */
export { type FindSensor, type LogEntry, logEntry, timeMs } from "./entry.js";
export { type LogRecords, readLog } from "./log.js";
