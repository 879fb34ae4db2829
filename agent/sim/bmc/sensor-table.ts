/** The sensors of a simulated machine: what they are, and what they read while it is on or off. */

/** A line `value = multiplier × 10^exponent × raw`. */
export interface AnalogSensor {
  readonly kind: "analog";
  readonly name: string;
  /** Table 42-3. */
  readonly sensorType: number;
  /** Table 43-15: 1 °C, 4 V, 18 RPM. */
  readonly unit: number;
  readonly multiplier: number;
  readonly exponent: number;
  /** Table 43-14, and which of its kind. */
  readonly entity: readonly [id: number, instance: number];
  /** Raw, in order; those it does not have are undefined. */
  readonly lowerCritical?: number;
  readonly upperNonCritical?: number;
  readonly upperCritical?: number;
  /** Raw reading of a machine that is on. */
  readonly on: number;
  /** The same of one that is off; undefined = it cannot be read then. */
  readonly off: number | undefined;
}

export interface DiscreteSensor {
  readonly kind: "discrete";
  readonly name: string;
  readonly sensorType: number;
  readonly entity: readonly [id: number, instance: number];
  /** Bits of the states its type knows. */
  readonly states: number;
  readonly on: number;
  readonly off: number;
}

/** Heard of in the event log only. */
export interface EventOnlySensor {
  readonly kind: "event-only";
  readonly name: string;
  readonly sensorType: number;
  readonly entity: readonly [id: number, instance: number];
}

export type Sensor = AnalogSensor | DiscreteSensor | EventOnlySensor;

const celsius = { kind: "analog", sensorType: 0x01, unit: 1, multiplier: 1, exponent: 0 } as const;
const fan = { kind: "analog", sensorType: 0x04, unit: 18, multiplier: 100, exponent: 0, lowerCritical: 6, on: 54, off: 0 } as const;
const volts = { kind: "analog", sensorType: 0x02, unit: 4, off: undefined } as const;
const cpu = { ...celsius, upperNonCritical: 80, upperCritical: 90, off: undefined } as const;
/** Presence, failure, no input. */
const supply = { kind: "discrete", sensorType: 0x08, states: 0b1011, on: 0b1, off: 0b1 } as const;

const [processor, powerSupply, systemBoard, fanDevice, airInlet] = [3, 10, 7, 29, 0x37];

export const sensors = {
  "CPU1 Temp": { ...cpu, name: "CPU1 Temp", entity: [processor, 1], on: 46 },
  "CPU2 Temp": { ...cpu, name: "CPU2 Temp", entity: [processor, 2], on: 44 },
  "Inlet Temp": { ...celsius, name: "Inlet Temp", entity: [airInlet, 1], upperNonCritical: 42, upperCritical: 47, on: 23, off: 22 },
  FAN1: { ...fan, name: "FAN1", entity: [fanDevice, 1] },
  FAN2: { ...fan, name: "FAN2", entity: [fanDevice, 2], on: 55 },
  "12V": { ...volts, name: "12V", entity: [systemBoard, 1], multiplier: 6, exponent: -2, lowerCritical: 180, upperCritical: 220, on: 201 },
  "3.3V": {
    ...volts,
    name: "3.3V",
    entity: [systemBoard, 2],
    multiplier: 16,
    exponent: -3,
    lowerCritical: 186,
    upperCritical: 226,
    on: 207,
  },
  "PS1 Status": { ...supply, name: "PS1 Status", entity: [powerSupply, 1] },
  "PS2 Status": { ...supply, name: "PS2 Status", entity: [powerSupply, 2] },
  "Power Unit": { kind: "discrete", name: "Power Unit", sensorType: 0x09, entity: [systemBoard, 3], states: 0b1, on: 0, off: 0b1 },
  "System Boot": { kind: "event-only", name: "System Boot", sensorType: 0x1d, entity: [systemBoard, 4] },
  "Critical Int": { kind: "event-only", name: "Critical Int", sensorType: 0x13, entity: [systemBoard, 5] },
  SEL: { kind: "event-only", name: "SEL", sensorType: 0x10, entity: [systemBoard, 6] },
} as const satisfies Readonly<Record<string, Sensor>>;

export type SensorName = keyof typeof sensors;

/** Numbers count from 1, in the order of the table. */
export const sensorNumber = Object.fromEntries(Object.keys(sensors).map((name, index) => [name, index + 1])) as Readonly<
  Record<SensorName, number>
>;
