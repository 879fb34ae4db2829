/**
 * What a redis server's log says of its recovery (facts: Phoenix §2). Exit codes of the scripts say nothing: vanilla and builtin end
 * with 1 when all went well too, phx with 1 when it went well and 0 when redis still runs.
 */
import type { CommandOutcome, Json, Verdict } from "../../../deploy/recipe.js";
import type { Mode } from "../parameters.js";
import { failed, linesOf } from "../verdict.js";

/** For `grep -E`: the lines that are judged. */
export const serverLines = "FAULT:|NEWREQ:|RESTART:|Redis is starting|Restore start time|Restore finish time|CRIU Restore Failed";

/** `grep -E` of a server's log. Puts out the times it names. */
export function judgeServerLog({ stdout }: Pick<CommandOutcome, "stdout">, mode: Mode): Verdict {
  const lines = linesOf(stdout);
  switch (mode) {
    case "phx":
      return judgePreserved(lines);
    case "criu":
      return judgeRestored(lines);
    case "vanilla":
    case "builtin":
      return judgeSecondStart(lines);
  }
}

/** The server prints NEWREQ at its first start too: only one after the fault is a recovery. */
function judgePreserved(lines: readonly string[]): Verdict {
  const faultUs = microseconds(lines, "FAULT")[0];
  if (faultUs === undefined) return failed("no FAULT: the trigger did not crash redis", lines.slice(-3));
  const newRequestUs = microseconds(lines, "NEWREQ").find((each) => each > faultUs);
  if (newRequestUs === undefined) return failed("a FAULT and no NEWREQ after it: redis did not come back", lines.slice(-3));
  const outputs: Record<string, Json> = { faultUs, downtimeUs: newRequestUs - faultUs };
  return { ok: true, lines: [`FAULT: ${faultUs}`, `NEWREQ: ${newRequestUs}`], outputs };
}

function judgeSecondStart(lines: readonly string[]): Verdict {
  const starts = lines.filter((line) => line.includes("Redis is starting"));
  const restarts = lines.filter((line) => line.startsWith("RESTART:"));
  const seen = starts.length >= restarts.length ? starts : restarts;
  if (seen.length < 2)
    return failed(
      seen.length === 0 ? "redis never started" : "redis started once only: it was not crashed, or did not start again",
      lines.slice(-3),
    );
  const faultUs = microseconds(lines, "FAULT")[0];
  return { ok: true, lines: seen.slice(0, 2), outputs: faultUs === undefined ? {} : { faultUs } };
}

/** The script prints the finish time whether CRIU has restored anything or not. */
function judgeRestored(lines: readonly string[]): Verdict {
  const broken = lines.find((line) => line.includes("CRIU Restore Failed"));
  if (broken !== undefined) return failed("CRIU Restore Failed!!!", [broken, ...lines.slice(-2)]);
  const finish = lines.find((line) => line.startsWith("Restore finish time"));
  if (finish === undefined) return failed("no Restore finish time: redis was not crashed, or CRIU did not come to an end", lines.slice(-3));
  return { ok: true, lines: [finish], outputs: { restoredS: Number(/[\d.]+$/.exec(finish)?.[0] ?? 0) } };
}

function microseconds(lines: readonly string[], name: string): number[] {
  return lines.flatMap((line) => {
    const value = new RegExp(`^${name}: (\\d+)`).exec(line)?.[1];
    return value === undefined ? [] : [Number(value)];
  });
}
