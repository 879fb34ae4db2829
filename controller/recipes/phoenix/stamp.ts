/**
 * What long work has left, by its sums: written down when it was proven, so that it need not be done again. A file that is there
 * but was never proven (a build broken off) has no stamp.
 */
import type { Act, CommandOutcome, Known, Look, Requirement, Verdict } from "../../deploy/recipe.js";
import { type Design, minutes, seconds, textFrom } from "./design.js";
import { failed, lastWords, linesOf } from "./verdict.js";

/** In the order in which one is made of the other. */
const works = ["kernel", "runtime", "sysroot", "tools", "apps"] as const;
export type Work = (typeof works)[number];

function stampPath({ paths }: Design, work: Work): string {
  return `${paths.notes}/${work}.sha256`;
}

/** The sums of `files` as evidence, put out as `stamp` for the step that writes it down. Links are followed: one that dangles fails. */
export function sums(files: (known: Known) => readonly string[], claim: string): Requirement {
  return {
    kind: "command",
    argv: (known) => ["sha256sum", ...files(known)],
    claim,
    withinMs: 5 * minutes,
    judge: (result, known) => judgeSums(result, files(known)),
  };
}

export function judgeSums(result: CommandOutcome, files: readonly string[]): Verdict {
  const lines = linesOf(result.stdout);
  const missing = files.filter((file) => !lines.some((line) => /^[0-9a-f]{64} [ *]/.test(line) && line.slice(66) === file));
  if (missing.length > 0) return failed(`not there: ${missing.join(", ")}`, lastWords(result));
  return { ok: true, lines, outputs: { stamp: `${lines.join("\n")}\n` } };
}

/** Stands when every file still has the sum it was proven with. Puts the stamp out again. */
export function standing(design: Design, work: Work): readonly Look[] {
  const path = stampPath(design, work);
  return [
    {
      kind: "file",
      path: () => path,
      wantText: true,
      claim: `${work}: proven by an earlier run`,
      withinMs: 15 * seconds,
      judge: (file) =>
        file?.text === undefined || file.text === ""
          ? failed("nothing was proven yet")
          : { ok: true, outputs: { stamp: file.text, archives: archivesIn(file.text), number: numberIn(file.text) } },
    },
    {
      kind: "command",
      argv: () => ["sha256sum", "-c", path],
      claim: `${work}: every file is as it was proven`,
      withinMs: 5 * minutes,
      judge: judgeUnchanged,
    },
  ];
}

/** `sha256sum -c` */
export function judgeUnchanged(result: CommandOutcome): Verdict {
  const lines = linesOf(result.stdout);
  const wrong = lines.filter((line) => !line.endsWith(": OK"));
  if (result.exitCode === 0 && wrong.length === 0 && lines.length > 0) return { ok: true, lines };
  return failed(`changed since: ${wrong.join(", ") || "unknown"}`, lastWords(result));
}

/** Writes down what `step` has proven. The act belongs to the step after it. */
export function writeStamp(design: Design, work: Work, step: string, known: Known): Act {
  return { kind: "write-file", path: stampPath(design, work), contents: textFrom(known.outputs, step, "stamp") };
}

/** Whatever is built now was never proven, and what was made of an earlier build is not of this one. */
export function removeStamps(design: Design, from: Work): Act[] {
  return works.slice(works.indexOf(from)).map((work) => ({ kind: "remove-file", path: stampPath(design, work) }));
}

function archivesIn(stamp: string): string[] {
  return linesOf(stamp).map((line) => line.slice(66).split("/").at(-1) ?? "");
}

function numberIn(stamp: string): number {
  return Number(/-(\d+)_amd64\.deb$/m.exec(stamp)?.[1] ?? 0);
}
