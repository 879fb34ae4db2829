/** lab report: what a run's results come to, on the terminal and as files. */
import { mkdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { describeError, FailedError } from "../../../proto/base/errors.js";
import type { ReportFile } from "../../../proto/gen/lab/v1/deployment.js";
import type { Connection } from "../connection.js";
import { type Context, withLab } from "../context.js";
import { toJson } from "../json.js";

/** `id`: a run's, or a deployment's name for its newest run. Throws FailedError when the run has no reports. */
export async function printReport(context: Context, id: string, options: { readonly to?: string | undefined }): Promise<void> {
  await withLab(context, async (lab) => {
    const run = await reportRun(context, lab, id, options.to);
    if (run !== undefined) throw new FailedError(`run ${run}: has no results to report; all that is known: lab record ${run}`);
  });
}

/** Prints the tables of a run and writes every file to a directory, if one is named. Returns the run's id when there are none. */
export async function reportRun(context: Context, lab: Connection, id: string, directory: string | undefined): Promise<string | undefined> {
  const { terminal, json } = context;
  // Not under the signal of Ctrl-C: a run that was cancelled has results too.
  const { run, files } = await lab.deployments.getReports({ id });
  if (files.length === 0) return run;
  if (json) terminal.print(toJson({ run, files }));
  else for (const file of files.filter((each) => each.mediaType === "text/plain")) terminal.print(`\n${file.text.trimEnd()}`);
  if (directory !== undefined) for (const path of await writeFiles(directory, files)) terminal.note(`wrote ${path}`);
  else if (!json) terminal.print(`\nas files: lab report ${run} --to DIR   (${files.map((each) => each.name).join(" ")})`);
  return undefined;
}

async function writeFiles(directory: string, files: readonly ReportFile[]): Promise<readonly string[]> {
  try {
    await mkdir(directory, { recursive: true });
    const paths = files.map((file) => join(directory, basename(file.name)));
    for (const [index, path] of paths.entries()) await writeFile(path, files[index]?.text ?? "");
    return paths;
  } catch (error) {
    throw new FailedError(`${directory}: cannot write the reports: ${describeError(error)}; choose another directory`, { cause: error });
  }
}
