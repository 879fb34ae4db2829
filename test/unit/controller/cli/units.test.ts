import t from "tap";
import { fit, plainStyle, colourStyle, table, width } from "../../../../controller/cli/terminal.js";
import { duration, grouped, parseSince, roughly, size } from "../../../../controller/cli/units.js";
import { toJson } from "../../../../controller/cli/json.js";
import { exitCodeOf } from "../../../../proto/base/exit-code.js";
import { errorCodes, errorFromCode } from "../../../../proto/base/errors.js";

t.test("durations, sizes and counts read as people say them", async (t) => {
  t.same([0, 3100, 59_949, 59_951, 291_000, 7_500_000, 259_200_000].map(duration), [
    "0.0 s",
    "3.1 s",
    "59.9 s",
    "1:00",
    "4:51",
    "2 h 5 min",
    "3 d",
  ]);
  t.same([45_000, 180_000, 7_200_000].map(roughly), ["45 s", "3 min", "2 h"]);
  t.same([0, 999, 1000, 2_140_000, 41_000_000n].map(size), ["0 B", "999 B", "1.0 kB", "2.1 MB", "41 MB"]);
  t.same([5, 1_204_331n].map(grouped), ["5", "1,204,331"]);
});

t.test("--since takes ages, words and times, and nothing else", async (t) => {
  const now = Date.parse("2026-11-21T03:00:00Z");
  t.equal(parseSince("-2m", now), now - 120_000);
  t.equal(parseSince("10m", now), now - 600_000);
  t.equal(parseSince("yesterday", now), now - 86_400_000);
  t.equal(parseSince("2026-11-20T00:00:00Z", now), Date.parse("2026-11-20T00:00:00Z"));
  t.equal(parseSince("soon", now), undefined);
});

t.test("columns line up by what is seen, not by escape sequences", async (t) => {
  t.same(
    table([
      ["a", "bb", ""],
      ["ccc", "d", "e"],
    ]),
    ["a    bb", "ccc  d   e"],
  );
  const painted = table([
    [colourStyle.red("a"), "x"],
    ["bbb", "y"],
  ]);
  t.equal(width(painted[0] ?? ""), width(painted[1] ?? ""));
  t.equal(fit("0123456789", 5), "0123…");
  t.equal(plainStyle.red("a"), "a");
});

t.test("JSON output holds large numbers and bytes without loss", async (t) => {
  t.equal(
    toJson({ a: 5n, b: 2n ** 60n, c: Buffer.from("hi"), d: new Uint8Array([1]) }),
    '{"a":5,"b":"1152921504606846976","c":"aGk=","d":"AQ=="}',
  );
});

t.test("every error code has an exit code, and a defect is told apart", async (t) => {
  for (const code of errorCodes) t.ok(exitCodeOf(errorFromCode(code, "x")) > 0, code);
  t.equal(exitCodeOf(errorFromCode("conflict", "x")), 4);
  t.equal(exitCodeOf(errorFromCode("unreachable", "x")), 5);
  t.equal(exitCodeOf(new TypeError("x")), 70);
});
