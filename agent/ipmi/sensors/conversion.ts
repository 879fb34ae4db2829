/** From a raw reading to a number: y = L[(M·x + B·10^K1)·10^K2] (IPMI v2.0 §36.3). Pure. */
import type { conversionFactors } from "../command/index.js";
import type { Value } from "../wire/index.js";

export interface Conversion {
  /** 0 unsigned, 1 one's complement, 2 two's complement. */
  readonly format: number;
  readonly linearization: number;
  readonly factors: Value<typeof conversionFactors>;
}

/** From here on the line is not straight: factors come with each reading (Get Sensor Reading Factors). */
export const nonLinear = 0x70;

/** The number a raw reading stands for; undefined when it is none. Twelve digits: more are an artefact of the powers of ten. */
export function convert({ format, linearization, factors }: Conversion, raw: number): number | undefined {
  const x = signedReading(format, raw);
  const m = signed(factors.mLow | (factors.mHigh.bits << 8), 10);
  const b = signed(factors.bLow | (factors.bHigh.bits << 8), 10);
  const k1 = signed(factors.exponents.b, 4);
  const k2 = signed(factors.exponents.result, 4);
  const linearize = linearization >= nonLinear ? linearizations[0] : linearizations[linearization];
  if (x === undefined || linearize === undefined) return undefined;
  const y = linearize((m * x + b * 10 ** k1) * 10 ** k2);
  return Number.isFinite(y) ? Number(y.toPrecision(12)) : undefined;
}

/** By code (Table 43-1, byte 24). */
const linearizations: readonly ((value: number) => number)[] = [
  (value) => value,
  Math.log,
  Math.log10,
  Math.log2,
  Math.exp,
  (value) => 10 ** value,
  (value) => 2 ** value,
  (value) => 1 / value,
  (value) => value ** 2,
  (value) => value ** 3,
  Math.sqrt,
  Math.cbrt,
];

function signedReading(format: number, raw: number): number | undefined {
  switch (format) {
    case 0:
      return raw;
    case 1:
      return raw < 0x80 ? raw : raw - 0xff;
    case 2:
      return signed(raw, 8);
    default:
      return undefined;
  }
}

function signed(value: number, bits: number): number {
  return value < 2 ** (bits - 1) ? value : value - 2 ** bits;
}
