/** From the words typed to the reports, over a real controller. */
import t from "tap";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FailedError, InvalidArgumentError } from "../../../../proto/base/errors.js";
import { optionName } from "../../../../proto/base/option-name.js";
import { parseExercise } from "../../../../controller/cli/json-values.js";
import { buildProgram } from "../../../../controller/cli/program.js";
import { exerciseOptions } from "../../../../controller/deploy/exercise-options.js";
import { recipes } from "../../../../controller/recipes/index.js";
import { FakeLab } from "../../../support/deploy/fake-lab.js";
import { toyTerminal } from "../../../support/deploy/toy-terminal.js";
import { isGolden } from "../../../support/golden.js";

t.test("options of an exercise are words with values, JSON where they parse", async (t) => {
  const parsed = (...words: string[]) => parseExercise(words);
  t.same(parsed(), { exercise: "", request: {} });
  t.same(parsed("migrate", "--to", "arm", "--checkpoint-every=10s", "--loud"), {
    exercise: "migrate",
    request: { to: '"arm"', checkpointEvery: '"10s"', loud: "true" },
  });
  t.same(parsed("--case", "761", "--offset", "-1", "--verbose", "--modes", '["phx"]', "--name=", "--text", '"7"').request, {
    case: "761",
    offset: "-1",
    verbose: "true",
    modes: '["phx"]',
    name: '""',
    text: '"7"',
  });
  t.throws(() => parsed("ask", "-x", "--a", "1", "2", "--a", "3"), {
    constructor: InvalidArgumentError,
    message: [
      "-x: is neither an option nor the value of one; write --NAME VALUE",
      "2: is neither an option nor the value of one; write --NAME VALUE",
      `--a: is given twice; write a list as JSON: --a '["a","b"]'`,
    ].join("\n"),
  });
});

function answeringLab(): FakeLab {
  const lab = new FakeLab();
  for (const name of ["a", "b"]) lab.node(name).onCommand = () => ({ stdout: "12" });
  return lab;
}

/** Without what differs from run to run. */
const told = (lines: readonly string[]) =>
  lines
    .join("\n")
    .replaceAll(/\d{8}-\d{4}-\w+/g, "RUN")
    .replaceAll(/^\d\d:\d\d:\d\d\.\d{3}/gm, "TIME")
    .replaceAll(/\d+(\.\d+)? m?s, by/g, "SOME TIME, by");

t.test("lab run goes live like deploy and ends with the tables", async (t) => {
  const lab = await toyTerminal(t, answeringLab());
  const ran = await lab("run", "toy-1", "--times", "3", "--check-every", "1s");
  t.equal(ran.error, undefined);
  isGolden(t, "run.txt", `${told(ran.lines)}\n`);
  const again = await lab("run", "toy-1", "ask", "--reports", join(t.testdirName, "results"), "--times=1");
  t.equal(again.error, undefined);
  t.same(readdirSync(join(t.testdirName, "results")).sort(), ["answer-times.csv", "answer-times.svg", "answers.csv", "answers.txt"]);
  const report = await lab("report", "toy-1", "--to", join(t.testdirName, "later"));
  t.match(report.lines.join("\n"), /^Answers of toy\n\nstep {5}took ms\nask\/a\/1 {7}12$/m);
  t.equal(report.notes.length, 4, "says what it wrote");
  t.equal(readFileSync(join(t.testdirName, "later", "answers.csv"), "utf8"), "step,took ms\nask/a/1,12\n");
  t.match((await lab("deployments")).lines[1], /run ask succeeded/);
  t.match((await lab("record", "toy-1")).lines[0], /^toy-1 · run ask · run /);
});

t.test("lab run --json is an object a line, the reports last", async (t) => {
  const lab = await toyTerminal(t, answeringLab());
  const objects = (await lab("--json", "run", "toy-1", "--times", "1")).lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  t.match(objects[0], { event: { $case: "planned", value: { exercise: "ask" } } });
  t.match(objects.at(-1), { run: String, files: [{ name: "answers.txt", mediaType: "text/plain" }, {}, {}, {}] });
});

t.test("a run that fails tells what it measured before, then fails", async (t) => {
  const fake = answeringLab();
  let asked = 0;
  fake.node("a").onCommand = () => ({ stdout: (asked += 1) === 1 ? "12" : "nothing" });
  const lab = await toyTerminal(t, fake);
  const { lines, error } = await lab("run", "toy-1");
  t.ok(lines.join("\n").includes("ask/a/1       12"));
  t.match(error, { constructor: FailedError, message: /^run \S+ ended failed: a: / });
});

t.test("reports that cannot be written do not hide how the run ended", async (t) => {
  const fake = answeringLab();
  const lab = await toyTerminal(t, fake);
  const file = join(t.testdirName, "taken");
  writeFileSync(file, "no directory");
  const ran = await lab("run", "toy-1", "--reports", file);
  t.ok(ran.lines.join("\n").includes("proven in"));
  t.match(ran.error, { constructor: FailedError, message: /taken: cannot write the reports: .*; choose another directory$/ });
  let asked = 0;
  fake.node("a").onCommand = () => ({ stdout: (asked += 1) === 1 ? "12" : "nothing" });
  t.match((await lab("run", "toy-1", "--reports", file)).error, { message: /^run \S+ ended failed/ });
});

t.test("lab migrate is the exercise migrate; what is not there is told by the controller", async (t) => {
  const lab = await toyTerminal(t, answeringLab());
  t.match((await lab("migrate", "toy-1", "--to", "arm", "--rounds", "2")).error, {
    code: "not-found",
    message: 'deployment toy-1: recipe toy has no exercise "migrate"; its exercises: ask, move',
  });
  t.match((await lab("report", "toy-1")).error, { code: "not-found" });
});

t.test("lab plan --run is the plan of an exercise; options without --run are refused", async (t) => {
  const lab = await toyTerminal(t, answeringLab());
  const plan = async (...words: string[]) => (await lab("plan", "toy-1", ...words)).lines[0];
  t.equal(await plan("--run"), "ask toy 2 times, every 10s · 2 steps in 1 phase");
  t.equal(await plan("--run", "--times", "3"), "ask toy 3 times, every 10s · 3 steps in 1 phase");
  t.equal(await plan("--run", "ask", "--check-every", "1s"), "ask toy 2 times, every 1s · 2 steps in 1 phase");
  t.match((await lab("plan", "toy-1", "--run", "move", "--to", "client")).error, {
    code: "invalid-argument",
    message: /^option --to: b runs no toy; deploy it first$/m,
  });
  t.match((await lab("plan", "toy-1", "--times", "3")).error, {
    code: "invalid-argument",
    message: "lab plan: --times is no option of a plan; options of an exercise go with --run",
  });
});

t.test("lab exercises tells every exercise with its options", async (t) => {
  const lab = await toyTerminal(t, answeringLab());
  isGolden(t, "exercises.txt", `${(await lab("exercises", "toy-1")).lines.join("\n")}\n`);
});

t.test("no exercise has an option that lab run takes for itself", async (t) => {
  const program = buildProgram(async () => undefined, "0");
  const run = program.commands.find((each) => each.name() === "run");
  const taken = [...program.options, ...(run?.options ?? [])].flatMap((each) => each.long ?? []).concat("--help");
  t.ok(taken.includes("--reports") && taken.includes("--json"));
  for (const recipe of recipes) {
    const options = Object.values(recipe.exercises ?? {}).flatMap(exerciseOptions);
    t.same(
      options.map((each) => `--${optionName(each.name)}`).filter((each) => taken.includes(each)),
      [],
      recipe.name,
    );
  }
});
