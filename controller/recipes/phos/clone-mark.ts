/**
 * Whose the clone is. Beside it, not in it: it is written before git makes the directory, and cleaning leaves it. A clone of the right
 * repository may still be somebody's, with work in it that a forced checkout and a clean would destroy.
 */
import type { Act, Look } from "../../deploy/recipe.js";
import { type Design, seconds } from "./design.js";

function markPath({ parameters }: Pick<Design, "parameters">): string {
  return `${parameters.source}.labd`;
}

export function markClone(design: Design): Act {
  return {
    kind: "write-file",
    path: markPath(design),
    contents: `The clone beside this was made by labd for deployment ${design.deployment}: lab deploy changes it, lab undeploy cleans it.\n`,
  };
}

/** Puts out `marked`; decides nothing. */
export function lookForMark(design: Design): Look {
  return {
    kind: "file",
    path: () => markPath(design),
    claim: "whether labd has made the clone",
    withinMs: 10 * seconds,
    judge: (file) => ({
      ok: true,
      lines: [file === undefined ? `no ${markPath(design)}` : markPath(design)],
      outputs: { marked: file !== undefined },
    }),
  };
}

export function cloneIsOurs(design: Design): Look {
  return {
    kind: "file",
    path: () => markPath(design),
    claim: "labd has made the clone",
    withinMs: 10 * seconds,
    judge: (file) => (file === undefined ? { ok: false, final: true, reason: notOurs(design) } : { ok: true, lines: [markPath(design)] }),
  };
}

export function notOurs(design: Design): string {
  return `${design.parameters.source} was not cloned by labd: give "source" another place, or move it away`;
}
