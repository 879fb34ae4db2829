/** Raw readings → numbers: every format, sign and linearization (IPMI v2.0 §36.3, §43.1). */
import t from "tap";
import { convert } from "../../../../../agent/ipmi/sensors/index.js";
import { type Factors, factors } from "../../../../support/ipmi/sensor-records.js";

const number = (raw: number, line: Factors, how: { format?: number; linearization?: number } = {}) =>
  convert({ format: how.format ?? 0, linearization: how.linearization ?? 0, factors: factors(line) }, raw);

t.test("a straight line with signed factors and exponents", async (t) => {
  t.equal(number(97, { m: 1 }), 97);
  t.equal(number(0xff, { m: 511 }), 130_305);
  t.equal(number(1, { m: -512 }), -512);
  t.equal(number(0, { m: 1, b: -512 }), -512);
  t.equal(number(200, { m: 6, exponent: -2 }), 12, "12 V from 0.06 V a step, no 12.000000000000002");
  t.equal(number(40, { m: 75 }), 3000);
  t.equal(number(10, { m: 5, b: -3, bExponent: 2, exponent: -1 }), (50 - 300) / 10);
  t.equal(number(1, { m: 1, b: 5, bExponent: -1 }), 1.5);
  t.equal(number(1, { m: 1, exponent: 7 }), 10_000_000);
  t.equal(number(1, { m: 1, exponent: -8 }), 1e-8);
});

t.test("raw readings in one's and two's complement, and none", async (t) => {
  t.equal(number(0xfe, { m: 1 }, { format: 1 }), -1);
  t.equal(number(0xff, { m: 1 }, { format: 1 }), 0);
  t.equal(number(0x7f, { m: 1 }, { format: 1 }), 127);
  t.equal(number(0xff, { m: 1 }, { format: 2 }), -1);
  t.equal(number(0x80, { m: 1 }, { format: 2 }), -128);
  t.equal(number(0x80, { m: 1 }, { format: 3 }), undefined);
});

t.test("every linearization", async (t) => {
  const of = (linearization: number, raw: number) => number(raw, { m: 1 }, { linearization });
  const expected: readonly (readonly [number, number, number])[] = [
    [1, 1, 0],
    [2, 100, 2],
    [3, 8, 3],
    [4, 0, 1],
    [5, 3, 1000],
    [6, 10, 1024],
    [7, 4, 0.25],
    [8, 12, 144],
    [9, 3, 27],
    [10, 81, 9],
    [11, 27, 3],
  ];
  for (const [code, raw, value] of expected) t.equal(of(code, raw), value, `linearization ${code}`);
  t.equal(of(7, 0), undefined, "1/0 is no number");
  t.equal(of(1, 0), undefined);
  t.equal(of(12, 5), undefined, "an unknown one gives none");
  t.equal(of(0x70, 5), 5, "of a line that is not straight the factors were asked for");
});
