/** Every tree is configured, read again, and all of them compared before any is built (facts: LegoOS §2, §3; §9 steps 1 and 2). */
import type { Act, FileSeen, Known, Outputs, Requirement, Step, Verdict } from "../../../deploy/recipe.js";
import type { Cluster, Manager, Member } from "../cluster.js";
import { type Design, minutes, nodeTable, seconds, stepIds } from "../design.js";
import { compareFitConfig, compareStorageConfig, type FitConfig, fitConfigFile, setFitConfig, storageConfigFile } from "../fit-config.js";
import { compareSymbols, setSymbols, type Symbols, wantedSymbols } from "../kconfig.js";
import { kernelTableFile, moduleTableFile, readNodeTable, renderNodeTable, setNodeTable } from "../node-table.js";
import { judgeStatic } from "../node-tools.js";
import {
  initAssignments,
  linkedObject,
  probeObjectFile,
  probeSource,
  probeSourceFile,
  processorCoreFile,
  programArguments,
  setInitProgram,
  withNonce,
} from "../program.js";

export function configureSteps(design: Design): Step[] {
  const { cluster } = design;
  const checked = cluster.members.flatMap((each) => [
    stepIds.check(each),
    ...(each.node.console === undefined ? [] : [stepIds.wiring(each)]),
  ]);
  const steps = cluster.managers.map((manager) => configureManager(manager, design, checked));
  if (cluster.storage !== undefined) steps.push(configureStorage(cluster.storage, design, checked));
  return [...steps, crossCheck(cluster)];
}

function configureManager(manager: Manager, design: Design, needs: readonly string[]): Step {
  const { cluster, parameters } = design;
  const symbols = wantedSymbols(manager, cluster, parameters, linkedObject(parameters));
  return {
    id: stepIds.configure(manager),
    phase: "configure",
    node: manager.node.name,
    title: `${Object.keys(symbols).length} Kconfig symbols, node table of ${cluster.members.length}${programTitle(manager, design)}`,
    needs,
    repeat: "repeatable",
    acts: (known) => [
      make(design, "defconfig"),
      { kind: "edit-file", path: `${parameters.source}/.config`, edit: (text) => ({ text: setSymbols(text, symbols) }) },
      make(design, "olddefconfig"),
      tableEdit(`${parameters.source}/${kernelTableFile}`, cluster, known),
      ...programActs(manager, design, known),
    ],
    evidence: [
      readBack(`${parameters.source}/.config`, `all ${Object.keys(symbols).length} symbols are in .config as wanted`, (text) => ({
        wrong: compareSymbols(text, symbols),
        outputs: agreement(symbols),
      })),
      tableReadBack(`${parameters.source}/${kernelTableFile}`, cluster),
      ...programEvidence(manager, design),
    ],
  };
}

function programTitle(manager: Manager, { cluster, parameters }: Design): string {
  if (cluster.storage === undefined) return manager.role === "memory" ? `, program ${linkedObject(parameters)}` : "";
  return manager.role === "processor" ? `, program ${programArguments(parameters)[0] ?? ""} in procmgmt()` : "";
}

function make({ parameters }: Design, ...targets: string[]): Act {
  return { kind: "command", argv: ["make", ...targets], cwd: parameters.source, timeoutMs: 5 * minutes };
}

function tableEdit(path: string, cluster: Cluster, known: Known): Act {
  return { kind: "edit-file", path, edit: (text) => setNodeTable(text, nodeTable(cluster, known)) };
}

function programActs(manager: Manager, design: Design, known: Known): Act[] {
  const { cluster, parameters } = design;
  if (cluster.storage !== undefined) {
    if (manager.role === "memory") return [];
    const program = withNonce(programArguments(parameters), known.nonce);
    return [{ kind: "edit-file", path: `${parameters.source}/${processorCoreFile}`, edit: (text) => setInitProgram(text, program) }];
  }
  if (manager.role === "processor") return [];
  const own: Act[] = [
    { kind: "write-file", path: `${parameters.source}/${probeSourceFile}`, contents: probeSource(known.nonce) },
    { kind: "remove-file", path: `${parameters.source}/${probeObjectFile}` },
  ];
  return [
    ...(parameters.program === undefined ? own : []),
    // The top-level make builds nothing below usr/, and it is not known to notice a changed program (facts: LegoOS §1, §5).
    make(design, "-C", "usr"),
    { kind: "remove-file", path: `${parameters.source}/managers/memory/ramfs/piggy.o` },
  ];
}

function programEvidence(manager: Manager, { cluster, parameters }: Design): Requirement[] {
  if (cluster.storage !== undefined && manager.role === "processor")
    return [
      readBack(`${parameters.source}/${processorCoreFile}`, "procmgmt() starts the program with its arguments", (text, known) => {
        const wanted = initAssignments(withNonce(programArguments(parameters), known.nonce)).join("\n");
        return { wrong: text.includes(wanted) ? [] : ["procmgmt() does not assign the program"], outputs: {} };
      }),
    ];
  if (cluster.storage !== undefined || manager.role === "processor") return [];
  const object = linkedObject(parameters);
  return [
    {
      kind: "command",
      argv: () => ["readelf", "-l", object],
      cwd: parameters.source,
      claim: `${object} is there and static`,
      withinMs: 15 * seconds,
      judge: judgeStatic,
    },
  ];
}

function configureStorage(storage: Member, { cluster, parameters }: Design, needs: readonly string[]): Step {
  const wanted: FitConfig = {
    localId: storage.id,
    nrNodes: cluster.members.length,
    firstQpn: parameters.fitFirstQpn,
    qpsPerPair: parameters.fitQpsPerPair,
  };
  return {
    id: stepIds.configure(storage),
    phase: "configure",
    node: storage.node.name,
    title: `fit_config.h, node table of ${cluster.members.length}`,
    needs,
    repeat: "repeatable",
    acts: (known) => [
      { kind: "edit-file", path: `${parameters.source}/${fitConfigFile}`, edit: (text) => setFitConfig(text, wanted) },
      tableEdit(`${parameters.source}/${moduleTableFile}`, cluster, known),
    ],
    evidence: [
      readBack(`${parameters.source}/${fitConfigFile}`, "fit_config.h agrees with the managers", (text) => ({
        wrong: compareFitConfig(text, wanted),
        outputs: { ...wanted },
      })),
      tableReadBack(`${parameters.source}/${moduleTableFile}`, cluster),
      readBack(`${parameters.source}/${storageConfigFile}`, "the storage module will let insmod return", (text) => ({
        wrong: compareStorageConfig(text),
        outputs: {},
      })),
    ],
  };
}

/** What all nodes must agree on, and the ids that must differ: compared in the cross-check. */
function agreement(symbols: Symbols): Readonly<Record<string, number>> {
  return {
    localId: Number(symbols["FIT_LOCAL_ID"]),
    nrNodes: Number(symbols["FIT_NR_NODES"]),
    firstQpn: Number(symbols["FIT_FIRST_QPN"]),
    qpsPerPair: Number(symbols["FIT_NR_QPS_PER_PAIR"]),
  };
}

type ReadBack = (text: string, known: Known) => { readonly wrong: readonly string[]; readonly outputs: Outputs[string] };

function readBack(path: string, claim: string, read: ReadBack): Requirement {
  const judge = (file: FileSeen | undefined, known: Known): Verdict => {
    if (file?.text === undefined) return { ok: false, final: true, reason: `${path} cannot be read` };
    const { wrong, outputs } = read(file.text, known);
    return wrong.length > 0 ? { ok: false, final: true, reason: wrong.join("; ") } : { ok: true, outputs };
  };
  return { kind: "file", path: () => path, wantText: true, claim, withinMs: 15 * seconds, judge };
}

function tableReadBack(path: string, cluster: Cluster): Requirement {
  return readBack(path, "the node table stands in the file as generated", (text, known) => {
    const found = readNodeTable(text);
    const planned = renderNodeTable(nodeTable(cluster, known));
    return { wrong: found === planned ? [] : ["the node table is not the one generated"], outputs: { nodeTable: found ?? "" } };
  });
}

function crossCheck(cluster: Cluster): Step {
  return {
    id: stepIds.crossCheck(cluster),
    phase: "cross-check",
    node: cluster.processor.node.name,
    title: "all nodes agree, each has an id and a LID of its own",
    needs: cluster.members.map(stepIds.configure),
    repeat: "repeatable",
    evidence: [
      {
        kind: "facts",
        claim: "node table, number of nodes and queue pairs are equal everywhere, ids and LIDs differ",
        withinMs: 15 * seconds,
        judge: (_, known) => judgeAgreement(cluster, known.outputs),
      },
    ],
  };
}

/** Compares what every configure step has read back. */
export function judgeAgreement(cluster: Cluster, outputs: Outputs): Verdict {
  const seen = cluster.members.map((member) => ({
    name: member.node.name,
    ...outputs[stepIds.configure(member)],
    lid: outputs[stepIds.check(member)]?.["lid"],
  }));
  const valuesOf = (key: string) => seen.map((each) => (each as Readonly<Record<string, unknown>>)[key]);
  const equal = ["nodeTable", "nrNodes", "firstQpn", "qpsPerPair"].filter((key) => new Set(valuesOf(key)).size !== 1);
  const different = ["localId", "lid"].filter((key) => new Set(valuesOf(key)).size !== seen.length);
  const wrong = [
    ...equal.map((key) => `${key} is not the same on ${seen.map((each) => each.name).join(", ")}`),
    ...different.map((key) => `two of ${seen.map((each) => each.name).join(", ")} have the same ${key}: ${valuesOf(key).join(", ")}`),
  ];
  if (wrong.length > 0) return { ok: false, final: true, reason: wrong.join("; ") };
  return { ok: true, lines: seen.map((each, id) => `node ${id}: ${each.name}, LID ${JSON.stringify(each.lid)}`) };
}
