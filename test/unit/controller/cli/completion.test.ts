import t from "tap";
import { completions } from "../../../../controller/cli/completion.js";
import { buildProgram } from "../../../../controller/cli/program.js";

const program = buildProgram(async () => undefined, "0");
const names = { nodes: ["p0", "m0"], tags: ["lego"], deployments: ["lego-1p1m1s"], runs: ["20261121-0312-k7"] };
const after = (...words: string[]) => completions(program, words, names);

t.test("commands, subcommands and options complete from the program itself", async (t) => {
  t.same(after("de"), ["demo", "deploy", "deployments"]);
  t.same(after("power", "c"), ["cycle"]);
  t.same(after("tail", "--s"), ["--since"]);
});

t.test("arguments complete from the lab, also behind options with values", async (t) => {
  t.same(after("deploy", ""), ["lego-1p1m1s"]);
  t.same(after("console", "p"), ["p0"]);
  t.same(after("record", "2026"), ["20261121-0312-k7"]);
  t.same(after("tail", "--since", "10m", "m"), ["m0"]);
  t.same(after("token", ""), ["agent", "operator"]);
});

t.test("in a nodeset the term behind the last separator completes", async (t) => {
  t.same(after("power", "on", "p0,@"), ["p0,@lego"]);
  t.same(after("power", "on", "@lego!m"), ["@lego!m0"]);
});
