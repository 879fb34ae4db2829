/** The commands of the main job: what a deployment can be asked, and what came of it. */
import { type Command, Option } from "commander";
import { cancelRun, listDeployments, printPlan, printRecord, runDeployment, watchExisting } from "./commands/deployments.js";
import { type ExerciseSettings, listExercises, runExercise } from "./commands/exercises.js";
import { printReport } from "./commands/reports.js";
import { collect } from "./option-values.js";
import type { Does } from "./program.js";

const set = () => new Option("--set <name=value>", "replace a parameter of the inventory").argParser(collect).default([]);
const reports = () => new Option("--reports <directory>", "write the files of its reports there");

export function addDeployments(program: Command, does: Does): void {
  addPlan(program, does);
  const descriptions = { deploy: "configure, build, install, boot and prove a deployment", undeploy: "bring its nodes back" };
  for (const direction of ["deploy", "undeploy"] as const) {
    program
      .command(`${direction} <deployment>`)
      .description(descriptions[direction])
      .addOption(set())
      .addHelpText("after", `\nExample:\n  lab ${direction} lego-1p1m1s`)
      .action(
        does((context, deployment: string, options: { set: string[] }) => runDeployment(context, deployment, direction, options.set)),
      );
  }
  addExercises(program, does);
  addRuns(program, does);
}

function addPlan(program: Command, does: Does): void {
  program
    .command("plan <deployment> [options...]")
    .description("every step, node, deadline and required evidence; touches nothing")
    .option("--undeploy", "the way back instead", false)
    .addOption(new Option("--run [exercise]", "an exercise instead; its options follow").conflicts("undeploy"))
    .addOption(set())
    .allowUnknownOption()
    .usage("<deployment> [--undeploy | --run [EXERCISE] [--NAME VALUE...]]")
    .addHelpText("after", "\nExample:\n  lab plan lego-1p1m1s\n  lab plan phoenix --run --case 761 --repeat 3")
    .action(
      does((context, deployment: string, words: string[], options: { undeploy: boolean; run?: string | true; set: string[] }) =>
        printPlan(context, deployment, words, options),
      ),
    );
}

function addExercises(program: Command, does: Does): void {
  program
    .command("run <deployment> [exercise] [options...]")
    .description("exercise what is deployed, and report: lab exercises DEPLOYMENT tells what there is and its options")
    .addOption(reports())
    .addOption(set())
    .allowUnknownOption()
    .usage("<deployment> [exercise] [--NAME VALUE...]")
    .addHelpText("after", "\nExample:\n  lab run phoenix --experiment redis --case 761 --mode phx --repeat 3 --reports results")
    .action(
      does((context, deployment: string, exercise: string | undefined, words: string[], options: ExerciseSettings) =>
        runExercise(context, deployment, [...(exercise === undefined ? [] : [exercise]), ...words], options),
      ),
    );
  program
    .command("migrate <run> [options...]")
    .description("move a running application to another machine: the exercise migrate of its deployment")
    .requiredOption("--to <place>", "where to, in the recipe's words: arm, x86")
    .addOption(reports())
    .addOption(set())
    .allowUnknownOption()
    .usage("<run> --to <place> [--NAME VALUE...]")
    .addHelpText("after", "\nExample:\n  lab migrate hexo-npb-is --to arm")
    .action(
      does((context, run: string, words: string[], { to, ...settings }: ExerciseSettings & { to: string }) =>
        runExercise(context, run, ["migrate", `--to=${to}`, ...words], settings),
      ),
    );
  program
    .command("exercises <deployment>")
    .description("what can be done with a deployment once it is deployed, with every option")
    .addHelpText("after", "\nExample:\n  lab exercises phoenix")
    .action(does((context, deployment: string) => listExercises(context, deployment)));
}

function addRuns(program: Command, does: Does): void {
  program
    .command("deployments")
    .description("deployments of the inventory and their last runs")
    .action(does((context) => listDeployments(context)));
  program
    .command("record <run>")
    .description("one run: steps, evidence, failure (a deployment's name: its newest run)")
    .action(does((context, run: string) => printRecord(context, run)));
  program
    .command("report <run>")
    .description("what a run's results come to: tables here, with --to also as CSV and SVG (a deployment's name: its newest run)")
    .option("--to <directory>", "write every table and chart there")
    .addHelpText("after", "\nExample:\n  lab report phoenix --to results")
    .action(does((context, run: string, options: { to?: string }) => printReport(context, run, options)));
  program
    .command("watch <run>")
    .description("watch a run that goes on in the controller")
    .action(does((context, run: string) => watchExisting(context, run)));
  program
    .command("cancel <run>")
    .description("ask a run to stop cleanly")
    .action(does((context, run: string) => cancelRun(context, run)));
}
