/** Sensors: what a BMC's repository describes, read and put into words. Imports wire, command. */
export { convert, type Conversion } from "./conversion.js";
export { sensorKind } from "./kinds.js";
export { interpret, type Reading } from "./reading.js";
export { SensorRepository } from "./repository.js";
export { type Sensor, sensorKey, sensorsOf } from "./sensor.js";
export { eventType, stateWords } from "./states.js";
export { idText, latinText } from "./text.js";
export { unitText } from "./units.js";
