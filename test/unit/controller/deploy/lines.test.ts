import t from "tap";
import { LineSplitter, maxLineBytes, type SeenLine } from "../../../../controller/deploy/lines.js";

const bytes = (latin1: string) => Buffer.from(latin1, "latin1");

function split(data: Uint8Array, cuts: readonly number[] = [], offset = 0n): SeenLine[] {
  const splitter = new LineSplitter(offset);
  const lines: SeenLine[] = [];
  let from = 0;
  for (const cut of [...cuts, data.length]) {
    lines.push(...splitter.push(data.subarray(from, cut)));
    from = cut;
  }
  return [...lines, ...splitter.breakOff()];
}

/** A small generator with a seed: a failure can be run again. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return state % below;
  };
}

t.test("ends lines at LF, CR LF, a lone CR and several CRs before an LF, and keeps blank lines", async (t) => {
  const lines = split(bytes("a\nb\r\nc\rd\r\r\n\r\ne"));
  t.same(
    lines.map((line) => line.text),
    ["a", "b", "c", "d", "", "e"],
  );
});

t.test("gives every byte to exactly one line, counted from the offset it was told", async (t) => {
  const data = bytes("one\r\ntwo\rthree\n\nlast");
  const lines = split(data, [], 1_000n);
  t.equal(lines[0]?.offset, 1_000n);
  for (const [index, line] of lines.entries()) t.equal(line.endOffset, lines[index + 1]?.offset ?? 1_000n + BigInt(data.length));
});

t.test("gives the same lines for the same bytes, however they are cut", async (t) => {
  const next = random(7);
  const pieces = [
    "\r",
    "\n",
    "\r\n",
    "[    1.000000] STDOUT: ---[\r\n",
    "]---\r\n",
    "[   12.345678] fit: up\r\n",
    "\x00\xff",
    "x".repeat(3000),
    "[ ",
  ];
  for (let round = 0; round < 50; round += 1) {
    const data = bytes(Array.from({ length: 30 }, () => pieces[next(pieces.length)] ?? "").join(""));
    const whole = split(data);
    t.same(split(data, Array.from(data.keys())), whole, `byte by byte, round ${round}`);
    const cuts = Array.from({ length: 12 }, () => next(data.length + 1)).sort((a, b) => a - b);
    t.same(split(data, cuts), whole, `cut at ${cuts.join(",")}, round ${round}`);
  }
});

t.test("splits a line beyond the limit into parts that are marked, and only those", async (t) => {
  const exact = split(bytes(`${"y".repeat(maxLineBytes)}\r\nz`));
  t.same(
    exact.map((line) => [line.text.length, line.continuation]),
    [
      [maxLineBytes, false],
      [1, false],
    ],
  );
  const long = split(bytes(`[    1.000000] ${"y".repeat(2 * maxLineBytes)}\nz`));
  t.same(
    long.map((line) => [line.origin, line.continuation]),
    [
      ["kernel", false],
      ["other", true],
      ["other", true],
      ["other", false],
    ],
  );
});

t.test("tells a kernel line by its time stamp and matches without it", async (t) => {
  const table: [string, SeenLine["origin"], string, number | undefined][] = [
    ["[    0.000000] LegoOS version 4.0.0", "kernel", "LegoOS version 4.0.0", 0],
    ["[12345.678901]  indented", "kernel", " indented", 12345.678901],
    ["[    1.234567][    T1] with caller", "kernel", "with caller", 1.234567],
    ["\x00\x1b[2J\x1b[1;1H[    0.500000] behind what GRUB left", "kernel", "behind what GRUB left", 0.5],
    ["CPU: Your system may be unstable.", "other", "CPU: Your system may be unstable.", undefined],
    ["xx [    1.000000] not at the start", "other", "xx [    1.000000] not at the start", undefined],
    ["[1.0] too few digits", "other", "[1.0] too few digits", undefined],
  ];
  for (const [text, origin, message, kernelSeconds] of table) t.match(split(bytes(text))[0], { text, origin, message, kernelSeconds });
});

t.test("takes nothing inside a STDOUT block for a kernel line, and nothing outside for a block", async (t) => {
  const lines = split(
    bytes(
      "STDOUT: ---[\n[    1.0] no\n[    2.000000] STDOUT: ---[\n[    2.100000] Kernel Panic - not syncing: not me\npid: 15\n\xec\x82\n]---\n[    3.000000] back",
    ),
  );
  t.same(
    lines.map((line) => line.origin),
    ["other", "other", "kernel", "program", "program", "program", "program", "kernel"],
  );
  t.equal(lines[3]?.message, "[    2.100000] Kernel Panic - not syncing: not me", "a program's time stamp stays in its text");
  t.equal(lines[3]?.kernelSeconds, undefined);
});

t.test("a known loss ends an open block and the line that was begun", async (t) => {
  const splitter = new LineSplitter(0n);
  splitter.push(bytes("[    1.000000] STDOUT: ---[\nhalf a li"));
  t.match(splitter.breakOff(), [{ text: "half a li", origin: "program" }]);
  t.match(splitter.push(bytes("[    2.000000] after the gap\n")), [
    { text: "[    2.000000] after the gap", origin: "kernel", offset: 37n },
  ]);
  t.same(splitter.breakOff(), [], "nothing begun, nothing ended");
});

t.test("shows bytes that are not text as escapes and keeps them in the text", async (t) => {
  const [line] = split(Buffer.from([0x41, 0x09, 0xec, 0x82, 0x02, 0x0a]));
  t.equal(line?.text, "A\t\xec\x82\x02");
  t.equal(line?.printable, "A\\t\\xec\\x82\\x02");
});
