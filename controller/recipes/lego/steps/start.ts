/**
 * From power to proof, in the one order that works (facts: LegoOS §7, §10): processor and memory are powered together; when both
 * wait for the subnet manager, storage loads its modules; every node sends its only join message within about a minute.
 * Steps that only watch make no mark, so no line of a console is lost between them.
 */
import type { Expectation, Known, Requirement, Step } from "../../../deploy/recipe.js";
import type { Cluster, Manager, Member } from "../cluster.js";
import { type Design, minutes, nodeTable, seconds, stepIds, textFrom } from "../design.js";
import type { NodeTableRow } from "../node-table.js";
import { judgeFitModule, judgeStorageInsmod, judgeStorageModule, judgeStorageThread } from "../node-tools.js";
import { printsNonce } from "../program.js";
import {
  allJoined,
  banner,
  cacheSetUp,
  commandLine,
  hcaFound,
  hcaWorks,
  lidQueried,
  localId,
  managerUp,
  memoryManagerStarts,
  peerJoined,
  processorsUp,
  programOutput,
  queuePairsBuilt,
  schedulerUp,
  tableRow,
  waitsForPeers,
  waitsForSubnetManager,
  workerUp,
} from "../serial-lines.js";

export function startSteps(design: Design): Step[] {
  const { cluster } = design;
  const { managers, storage } = cluster;
  return [
    ...managers.map((manager) => power(manager, cluster)),
    ...managers.map((manager) => boot(manager, design)),
    ...managers.map((manager) => connect(manager, design)),
    ...(storage === undefined ? [] : loadModules(storage, design)),
    ...managers.map((manager) => join(manager, design)),
    prove(design),
  ];
}

function power(manager: Manager, { managers }: Cluster): Step {
  return {
    id: stepIds.power(manager),
    phase: "power",
    node: manager.node.name,
    title: "power cycle",
    needs: managers.map(stepIds.entry),
    repeat: "verify",
    acts: () => [{ kind: "power", verb: "cycle", deadlineMs: 60 * seconds }],
    evidence: [{ kind: "power", state: "on", claim: "the node is powered again", withinMs: 15 * seconds }],
    watch: "from-here",
    uninterruptible: true,
  };
}

function boot(manager: Manager, design: Design): Step {
  return {
    id: stepIds.boot(manager),
    phase: "boot",
    node: manager.node.name,
    title: `LegoOS ${manager.role} manager up to FIT's wait for the subnet manager`,
    needs: [stepIds.power(manager)],
    repeat: "repeatable",
    evidence: [
      console(
        (known) =>
          bootLines(manager, design, {
            release: textFrom(known.outputs, stepIds.image(manager), "release"),
            rows: nodeTable(design.cluster, known),
          }),
        bootLines(manager, design, unknown(design)),
      ),
    ],
  };
}

interface Planned {
  readonly release: string | undefined;
  readonly rows: readonly NodeTableRow[];
}

/** What stands in for values that only a run can know, where a plan describes its lines. */
function unknown({ cluster }: Design): Planned {
  return { release: undefined, rows: cluster.members.map(({ id, node }) => ({ id, name: node.name, lid: 0 })) };
}

function bootLines(manager: Manager, { parameters }: Design, { release, rows }: Planned): Expectation[] {
  return [
    banner({ release, withinS: parameters.bannerWithinS }),
    manager.role === "processor" ? commandLine(parameters.memmap) : commandLine(),
    ...(manager.role === "memory" ? [memoryManagerStarts] : []),
    schedulerUp,
    processorsUp,
    hcaFound,
    hcaWorks,
    localId(manager.id),
    ...rows.map((row) => tableRow({ ...row, firstQpn: parameters.fitFirstQpn })),
    waitsForSubnetManager,
  ];
}

function connect(manager: Manager, design: Design): Step {
  return {
    id: stepIds.connect(manager),
    phase: "connect",
    node: manager.node.name,
    title: "InfiniBand port up, queue pairs built",
    needs: [stepIds.boot(manager)],
    repeat: "repeatable",
    evidence: [
      console(
        (known) => connectLines(manager, design, nodeTable(design.cluster, known)),
        connectLines(manager, design, unknown(design).rows),
      ),
    ],
  };
}

function connectLines(manager: Manager, { parameters }: Design, rows: readonly NodeTableRow[]): Expectation[] {
  const own = rows.find((row) => row.id === manager.id);
  const peers = rows.filter((row) => row.id !== manager.id);
  return [lidQueried(own?.lid), ...peers.map((peer) => queuePairsBuilt(peer)), waitsForPeers(parameters.fitInitialSleepS)];
}

function loadModules(storage: Member, { cluster, parameters }: Design): Step[] {
  const node = storage.node.name;
  const directory = `${parameters.source}/linux-modules`;
  return [
    {
      id: stepIds.fitModule(storage),
      phase: "modules",
      node,
      title: "insmod fit.ko",
      needs: cluster.managers.map(stepIds.boot),
      repeat: "verify",
      acts: () => [{ kind: "command", argv: ["insmod", "fit.ko"], cwd: `${directory}/fit`, timeoutMs: 3 * minutes }],
      evidence: [
        {
          kind: "command",
          argv: () => ["dmesg"],
          claim: "FIT is connected on the storage node",
          withinMs: 60 * seconds,
          judge: (result) => judgeFitModule(result, storage.id),
        },
      ],
      watch: "from-here",
      uninterruptible: true,
    },
    {
      id: stepIds.storageModule(storage),
      phase: "modules",
      node,
      title: "insmod storage.ko",
      needs: [stepIds.fitModule(storage)],
      repeat: "verify",
      acts: () => [
        {
          kind: "command",
          argv: ["insmod", "storage.ko"],
          cwd: `${directory}/storage`,
          timeoutMs: minutes,
          expect: judgeStorageInsmod,
        },
      ],
      evidence: [
        {
          kind: "command",
          argv: () => ["pgrep", "-x", "lego-storaged"],
          claim: "the storage manager's thread runs",
          withinMs: 15 * seconds,
          judge: judgeStorageThread,
        },
        {
          kind: "command",
          argv: () => ["dmesg"],
          claim: "the storage manager watches itself",
          withinMs: 40 * seconds,
          judge: judgeStorageModule,
        },
      ],
      uninterruptible: true,
    },
  ];
}

function join(manager: Manager, { cluster, memmap }: Design): Step {
  const lines = [peerJoined, allJoined, manager.role === "processor" ? cacheSetUp(memmap.sizeBytes) : workerUp, managerUp];
  const { storage } = cluster;
  return {
    id: stepIds.join(manager),
    phase: "join",
    node: manager.node.name,
    title: `all peers joined, ${manager.role} manager up`,
    needs: [stepIds.connect(manager), ...(storage === undefined ? [] : [stepIds.fitModule(storage)])],
    repeat: "repeatable",
    evidence: [console(() => lines, lines)],
  };
}

function prove({ cluster, parameters }: Design): Step {
  const { processor, storage, managers } = cluster;
  const withNonce = printsNonce(parameters, storage !== undefined);
  return {
    id: stepIds.prove(processor),
    phase: "prove",
    node: processor.node.name,
    title: withNonce ? "the program prints this run's nonce" : "a program prints",
    needs: [...managers.map(stepIds.join), ...(storage === undefined ? [] : [stepIds.storageModule(storage)])],
    repeat: "repeatable",
    evidence: [console((known) => [programOutput(withNonce ? known.nonce : undefined)], [programOutput(withNonce ? "NONCE" : undefined)])],
  };
}

function console(expectations: (known: Known) => readonly Expectation[], describe: readonly Expectation[]): Requirement {
  return { kind: "console", expectations, describe };
}
