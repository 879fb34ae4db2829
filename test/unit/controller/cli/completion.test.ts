import t from "tap";
import { completions, exercised } from "../../../../controller/cli/completion.js";
import { buildProgram } from "../../../../controller/cli/program.js";

const program = buildProgram(async () => undefined, "0");
const names = {
  nodes: ["p0", "m0"],
  tags: ["lego"],
  deployments: ["lego-1p1m1s"],
  runs: ["20261121-0312-k7"],
  exercises: [
    { name: "check", options: ["--repeat"] },
    { name: "migrate", options: ["--to", "--rounds"] },
  ],
};
const after = (...words: string[]) => completions(program, words, names);

t.test("commands, subcommands and options complete from the program itself", async (t) => {
  t.same(after("de"), ["demo", "deploy", "deployments"]);
  t.same(after("power", "c"), ["cycle", "confirm"]);
  t.same(after("power", "cycle", "--queue"), ["--queue-timeout"]);
  t.same(after("power", "confirm", "p0", "o"), ["on", "off"]);
  t.same(after("tail", "--s"), ["--since"]);
});

t.test("arguments complete from the lab, also behind options with values", async (t) => {
  t.same(after("deploy", ""), ["lego-1p1m1s"]);
  t.same(after("console", "p"), ["p0"]);
  t.same(after("record", "2026"), ["20261121-0312-k7"]);
  t.same(after("tail", "--since", "10m", "m"), ["m0"]);
  t.same(after("token", ""), ["agent", "operator"]);
  t.same(after("demo", "le"), ["lego"]);
  t.same(after("completion", ""), ["bash", "zsh"]);
  t.same(after("bmc", "boot", "m"), ["m0"]);
  t.same(after("bmc", "boot", "m0", "p"), ["pxe"]);
});

t.test("an exercise completes with its options, the first one's where none is named", async (t) => {
  t.equal(exercised(program, ["run", "lego-1p1m1s", "--re"]), "lego-1p1m1s");
  t.equal(exercised(program, ["deploy", "lego-1p1m1s", ""]), undefined);
  t.same(after("run", "l"), ["lego-1p1m1s"]);
  t.same(after("run", "lego-1p1m1s", ""), ["check", "migrate"]);
  t.same(after("run", "lego-1p1m1s", "--re"), ["--reports", "--repeat"]);
  t.same(after("run", "lego-1p1m1s", "migrate", "--ro"), ["--rounds"]);
  t.same(after("migrate", "lego-1p1m1s", "--r"), ["--reports", "--rounds"]);
  t.same(after("plan", "lego-1p1m1s", "--run", "m"), ["migrate"]);
  t.same(after("plan", "lego-1p1m1s", "--run", "--re"), ["--repeat"]);
});

t.test("in a nodeset the term behind the last separator completes", async (t) => {
  t.same(after("power", "on", "p0,@"), ["p0,@lego"]);
  t.same(after("power", "on", "@lego!m"), ["@lego!m0"]);
});
