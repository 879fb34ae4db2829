/** What the lego recipe writes, read by the simulated toolchain: text edits must come out as C and Kconfig that mean what was planned. */
import t from "tap";
import { resolveConfig, parseConfig, formatConfig } from "../../../agent/sim/lego/kconfig.js";
import { checkNodeTable, compileNodeTable } from "../../../agent/sim/lego/node-table.js";
import { compileInitProgram } from "../../../agent/sim/lego/processor-program.js";
import { defconfig, kernelNodeTable, processorCore } from "../../../agent/sim/lego/tree-kernel-sources.js";
import { fitConfigHeader, moduleNodeTable, storageConfigHeader } from "../../../agent/sim/lego/tree-module-sources.js";
import { compileProgram } from "../../../agent/sim/lego/user-compiler.js";
import { formCluster } from "../../../controller/recipes/lego/cluster.js";
import { compareFitConfig, compareStorageConfig, setFitConfig } from "../../../controller/recipes/lego/fit-config.js";
import { compareSymbols, setSymbols, wantedSymbols } from "../../../controller/recipes/lego/kconfig.js";
import { setNodeTable } from "../../../controller/recipes/lego/node-table.js";
import { legoParameters } from "../../../controller/recipes/lego/parameters.js";
import { probeSource, setInitProgram } from "../../../controller/recipes/lego/program.js";
import { plannedNode } from "../../support/recipe/lego-lab.js";

const defined = new Map([["CONFIG_FIT_NR_NODES", "3"]]);

function textOf(edited: { readonly text: string } | { readonly problem: string }): string {
  if ("problem" in edited) throw new Error(edited.problem);
  return edited.text;
}

t.test("both node tables compile to the planned nodes", async (t) => {
  const rows = [
    { id: 0, name: "p0", lid: 42 },
    { id: 1, name: "m-0.rack", lid: 23 },
    { id: 2, name: "s0", lid: 8 },
  ];
  for (const source of [kernelNodeTable, moduleNodeTable]) {
    const table = checkNodeTable(compileNodeTable("fit_machine.c", textOf(setNodeTable(source, rows)), defined));
    t.same(table, { complaints: [], nodes: rows.map(({ name, lid }) => ({ hostname: name, lid })) });
  }
});

t.test("procmgmt() compiles to the program and its arguments, whatever characters they have", async (t) => {
  const program = ["/bin/echo", 'a "b" \\ ??( \t ö', "", "k793ac7"];
  t.same(compileInitProgram("core.c", textOf(setInitProgram(processorCore, program)), defined), { filename: "/bin/echo", argv: program });
});

t.test("labd's own program compiles to one line with the nonce", async (t) => {
  t.match(compileProgram("labd_probe.c", probeSource("k793ac"), "static"), {
    linkage: "static",
    behaviour: { output: ["labd k793ac\n"], exitStatus: 0 },
  });
});

t.test("olddefconfig keeps every symbol that is set, for both managers, with and without storage, on every line and rate", async (t) => {
  for (const storage of [plannedNode("s0"), undefined]) {
    for (const console of [
      { line: "ttyS0", baudRate: 9600 },
      { line: "ttyS1", baudRate: 115200 },
    ]) {
      const cluster = formCluster(plannedNode("p0", { console }), plannedNode("m0", { console }), storage);
      for (const manager of cluster.managers) {
        const wanted = wantedSymbols(manager, cluster, legoParameters.parse({ fitInitialSleepS: 60 }), "usr/labd_probe.o");
        const resolved = formatConfig(resolveConfig(parseConfig(setSymbols(olddefconfig(defconfig), wanted)).assignments));
        t.same(compareSymbols(resolved, wanted), [], `${manager.role} of ${cluster.members.length} on ${console.line}`);
        t.not(compareSymbols(olddefconfig(defconfig), wanted).length, 0, "and a defconfig alone is not enough");
      }
    }
  }
});

function olddefconfig(text: string): string {
  return formatConfig(resolveConfig(parseConfig(text).assignments));
}

t.test("the module headers take the planned numbers", async (t) => {
  const wanted = { localId: 2, nrNodes: 3, firstQpn: 90, qpsPerPair: 8 };
  t.same(compareFitConfig(textOf(setFitConfig(fitConfigHeader(4), wanted)), wanted), []);
  t.same(compareStorageConfig(storageConfigHeader), []);
});
