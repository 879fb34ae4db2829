import t from "tap";
import { SequenceWindow } from "../../../../../agent/ipmi/session/index.js";

t.test("a number is accepted once, late ones within the window too, older ones never", (t) => {
  const window = new SequenceWindow();
  t.notOk(window.accept(0), "0 is no number");
  for (const [sequence, expected] of [
    [1, true],
    [1, false],
    [5, true],
    [3, true],
    [3, false],
    [5, false],
    [2, true],
    [40, true],
    [9, true],
    [8, false],
    [5, false],
    [0xffff_ffff, true],
    [0xffff_ffff, false],
    [0xffff_fff0, true],
    [40, false],
  ] as const) {
    t.equal(window.accept(sequence), expected, `${sequence}`);
  }
  t.end();
});

t.test("every order of a few neighbours is accepted exactly once", (t) => {
  for (const order of [
    [1, 2, 3, 4],
    [4, 3, 2, 1],
    [2, 4, 1, 3],
    [31, 1, 30, 2],
  ]) {
    const window = new SequenceWindow();
    for (const sequence of order) t.ok(window.accept(sequence));
    for (const sequence of order) t.notOk(window.accept(sequence));
  }
  t.end();
});
