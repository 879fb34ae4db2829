/** Golden files: what was printed once and found good (test/golden). LABD_UPDATE_GOLDEN=1 writes them anew. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Test } from "tap";

const golden = join(import.meta.dirname, "../../../test/golden");

/** Told as the first line that differs: diffs of long texts take for ever. */
export function isGolden(t: Test, name: string, text: string): void {
  const file = join(golden, name);
  if (process.env["LABD_UPDATE_GOLDEN"] === "1") writeFileSync(file, text);
  const wanted = readFileSync(file, "utf8");
  const [wantedLines, lines] = [wanted.split("\n"), text.split("\n")];
  const at = lines.findIndex((line, index) => line !== wantedLines[index]);
  t.ok(text === wanted, `${name} line ${at + 1}: ${JSON.stringify(lines[at])} instead of ${JSON.stringify(wantedLines[at])}`);
}
