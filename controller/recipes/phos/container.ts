/** The container PhOS lives in: made by `docker run` itself, never by scripts that end in an exec with a terminal (facts: PhOS §2). */
import type { CommandOutcome, Known, Verdict } from "../../deploy/recipe.js";
import { type Design, home, keptDirectory, linesOf } from "./design.js";

/** Whose it is, so that a later run may resume or remove it, and nobody else's is touched. */
const ownerLabel = "labd.deployment";
/** What it was made with: one made otherwise is replaced. */
const configLabel = "labd.config";

export function inspectContainer({ container }: Pick<Design, "container">): readonly string[] {
  return ["docker", "container", "inspect", container];
}

export function runContainer(design: Design, { runId }: Known): readonly string[] {
  const { parameters } = design;
  const words: readonly (readonly string[])[] = [
    // Restored programs are orphans: somebody must reap them.
    ["docker", "run", "-d", "--init"],
    ["--name", design.container],
    ["--label", `${ownerLabel}=${design.deployment}`],
    ["--label", `${configLabel}=${configOf(design)}`],
    ["--label", `labd.run=${runId}`],
    ["--gpus", gpusOf(design), "--privileged", "--network", "host", "--ipc", "host"],
    mountsOf(design).flatMap((mount) => ["-v", mount]),
    ["-w", home, "--entrypoint", "sleep", parameters.image, "infinity"],
  ];
  return words.flat();
}

/** docker reads the value as CSV: a list needs quotes of its own. */
export function gpusOf({ parameters: { gpus } }: Pick<Design, "parameters">): string {
  return gpus === "all" ? "all" : `"device=${gpus.join(",")}"`;
}

function mountsOf({ parameters: { source, checkpoints, data } }: Design): string[] {
  return [`${source}:${home}`, `${checkpoints}:${keptDirectory}`, ...(data === undefined ? [] : [`${data}:/data:ro`])];
}

function configOf(design: Design): string {
  return [design.parameters.image, gpusOf(design), ...mountsOf(design)].join(" ");
}

/** "absent", "ours" (running or not, made as it would be now), "stale" (ours, made otherwise). */
export type Standing = "absent" | "ours" | "stale";

interface Inspected {
  readonly status: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** inspectContainer before anything is done: puts out `container` and `running`. Somebody else's is a final verdict. */
export function judgeOwner(result: CommandOutcome, design: Design): Verdict {
  const seen = inspected(result);
  if (seen === undefined) {
    if (/No such container/i.test(result.stderr)) return { ok: true, lines: ["no container of this name"], outputs: standing("absent") };
    return { ok: false, reason: "docker does not tell whether the container exists", lines: linesOf(result.stderr).slice(-3) };
  }
  const owner = seen.labels[ownerLabel];
  const line = `${design.container}: ${seen.status}, of deployment ${owner ?? "nobody labd knows"}`;
  if (owner !== design.deployment)
    return {
      ok: false,
      final: true,
      reason: `a container ${design.container} exists that is not of this deployment; set "container" to another suffix, or remove it yourself`,
      lines: [line],
    };
  const kind: Standing = seen.labels[configLabel] === configOf(design) ? "ours" : "stale";
  return { ok: true, lines: [`${line}${kind === "stale" ? ", made with other parameters" : ""}`], outputs: standing(kind, seen.status) };
}

function standing(container: Standing, status = ""): { readonly container: Standing; readonly running: boolean } {
  return { container, running: status === "running" };
}

/** inspectContainer afterwards: ours, made as planned, and running. */
export function judgeRunning(result: CommandOutcome, design: Design): Verdict {
  const verdict = judgeOwner(result, design);
  if (!verdict.ok) return verdict;
  const { container, running } = verdict.outputs ?? {};
  if (container !== "ours")
    return { ok: false, reason: `container ${design.container} is not the one planned`, lines: verdict.lines ?? [] };
  return running === true ? { ok: true, lines: verdict.lines ?? [] } : { ok: false, reason: `container ${design.container} does not run` };
}

/** inspectContainer after it was removed. */
export function judgeGone(result: CommandOutcome, { container }: Pick<Design, "container">): Verdict {
  if (inspected(result) === undefined && /No such container/i.test(result.stderr))
    return { ok: true, lines: [`no container ${container}`] };
  return { ok: false, reason: `container ${container} is still there` };
}

function inspected({ exitCode, stdout }: CommandOutcome): Inspected | undefined {
  if (exitCode !== 0) return undefined;
  try {
    const [found] = JSON.parse(stdout) as { State?: { Status?: string }; Config?: { Labels?: Record<string, string> | null } }[];
    return found === undefined ? undefined : { status: found.State?.Status ?? "unknown", labels: found.Config?.Labels ?? {} };
  } catch {
    return undefined;
  }
}
