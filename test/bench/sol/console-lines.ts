/** What a console's log holds of the numbered lines its machine printed. Pure. */

/** As sol-source.c prints them, without the line end. */
const printed = /^c(\d{4}) (\d{8}) \d{19} r(\d{3})\.+$/;

export interface LineCheck {
  /** Right lines of this round, each counted once. */
  readonly right: number;
  readonly missing: number;
  readonly repeated: number;
  /** Came after a line with a greater number. */
  readonly reordered: number;
  /** Of another console, or not a whole line. */
  readonly damaged: number;
}

export const noLines: LineCheck = { right: 0, missing: 0, repeated: 0, reordered: 0, damaged: 0 };

export interface ExpectedLines {
  /** 0 is printed as c0000. */
  readonly console: number;
  readonly round: number;
  readonly lines: number;
  /** What a daemon itself writes between them. */
  readonly remark?: RegExp;
}

/** Checks a log from its beginning; what stands before the round's first line belongs to what the BMC held before. */
export function checkLines(log: string, { console, round, lines, remark }: ExpectedLines): LineCheck {
  const seen = new Uint8Array(lines);
  let [right, repeated, reordered, damaged] = [0, 0, 0, 0];
  let last = -1;
  let begun = false;
  for (const line of log.split("\n")) {
    const [, from, number, of] = printed.exec(line) ?? [];
    const index = Number(number);
    const ours = Number(from) === console && Number(of) === round && index < lines;
    if (!ours) {
      const text = line.replace(/\r$/, "");
      if (begun && text !== "" && remark?.test(text) !== true) damaged += 1;
      continue;
    }
    begun = true;
    if (seen[index] === 1) repeated += 1;
    else {
      seen[index] = 1;
      right += 1;
      if (index < last) reordered += 1;
    }
    last = Math.max(last, index);
  }
  return { right, missing: lines - right, repeated, reordered, damaged };
}

export function addChecks(a: LineCheck, b: LineCheck): LineCheck {
  return {
    right: a.right + b.right,
    missing: a.missing + b.missing,
    repeated: a.repeated + b.repeated,
    reordered: a.reordered + b.reordered,
    damaged: a.damaged + b.damaged,
  };
}
