/** Preconditions, read and proven before anything is changed (facts: HEXO §4, preconditions). */
import type { FileSeen, Requirement, Step, Verdict } from "../../../deploy/recipe.js";
import { type Design, seconds, stepIds } from "../design.js";
import { judgeFacts, judgeKvm, judgeLogin, judgeNoProxy, judgePortFree, judgeReachable, openKvm } from "../node-tools.js";
import { failed } from "../output-lines.js";
import { type Machine, other, type Side } from "../pair.js";
import { judgeRsyncVersion, sshTo } from "../rsync.js";
import { parseMemory } from "../sizes.js";

/** `sources`: sides an application will leave; each serves its memory there in post-copy. `built`: the programs are there already. */
export function checkSteps(design: Design, sources: readonly Side[], built: boolean): Step[] {
  const { pair } = design;
  return [pair.x86, pair.arm].map((machine) => ({
    id: stepIds.check(machine),
    phase: "check",
    node: machine.node.name,
    title: machine.side === "x86" ? "KVM, memory, disk, rsync, login to the board" : "KVM, memory, disk, rsync",
    needs: [],
    repeat: "repeatable",
    evidence: [
      ...machineRequirements(machine, design),
      ...(machine.side === "x86" ? [login(design), ...(built ? [] : sourceRequirements(design))] : []),
      ...(design.parameters.mode === "post-copy" ? pageServerRequirements(machine, design, sources) : []),
    ],
  }));
}

/**
 * Before an application that runs stops: there is a place for it to go on, and a way there. What only stands in the way after the stop
 * costs the application.
 */
export function moveCheckSteps(design: Design, from: Side): Step[] {
  const { pair, parameters } = design;
  return [pair.x86, pair.arm].flatMap((machine): Step[] => {
    const isTarget = machine.side !== from;
    const evidence = [
      ...(isTarget ? machineRequirements(machine, design) : []),
      ...(machine.side === "x86" ? [login(design)] : []),
      ...(parameters.mode === "post-copy" ? pageServerRequirements(machine, design, [from]) : []),
    ];
    if (evidence.length === 0) return [];
    const title = isTarget ? "a place for the application to go on" : "a way for the application to leave";
    return [{ id: stepIds.check(machine), phase: "check", node: machine.node.name, title, needs: [], repeat: "repeatable", evidence }];
  });
}

/** What each machine needs to run a proxy. */
export function machineRequirements(machine: Machine, { parameters }: Design): Requirement[] {
  const memoryBytes = parseMemory(parameters.mem);
  const needs = {
    arch: machine.side === "x86" ? "x86_64" : "aarch64",
    memoryBytes,
    diskBytes: parameters.mode === "checkpoint" ? memoryBytes : 0,
    directory: machine.directory,
  };
  return [
    { kind: "facts", claim: "the machine is fit for its side", withinMs: 30 * seconds, judge: (facts) => judgeFacts(facts, needs) },
    { kind: "command", argv: () => openKvm, claim: "the proxy may use KVM", withinMs: 15 * seconds, judge: judgeKvm },
    { kind: "command", argv: () => ["rsync", "--version"], claim: "rsync is there", withinMs: 15 * seconds, judge: judgeRsyncVersion },
    {
      kind: "command",
      argv: () => ["pgrep", "-a", "-x", "proxy"],
      claim: "no other proxy runs",
      withinMs: 15 * seconds,
      judge: judgeNoProxy,
    },
  ];
}

function login({ pair }: Design): Requirement {
  return {
    kind: "command",
    argv: () => sshTo(pair.login, "uname", "-m"),
    claim: "the x86 machine logs in to the board without a password",
    withinMs: 30 * seconds,
    judge: judgeLogin,
  };
}

function sourceRequirements({ parameters, signs }: Design): Requirement[] {
  const directory = `${parameters.source}/${parameters.app}`;
  return ["Makefile", ...(signs.npbClass === undefined ? [] : [`npbparams-${signs.npbClass}.h`])].map((name) =>
    fileThere(`${directory}/${name}`, name === "Makefile" ? "the application is there" : `class ${signs.npbClass ?? ""} is there`),
  );
}

function fileThere(path: string, claim: string): Requirement {
  const judge = (file: FileSeen | undefined): Verdict =>
    file === undefined
      ? failed(`${path} is not there: check source, app and class; source is popcorn-compiler, branch hermit-master`)
      : { ok: true, lines: [`${path}: ${file.kind}`] };
  return { kind: "file", path: () => path, claim, withinMs: 10 * seconds, judge };
}

/** Nothing is connected to the port: the first client is the only one it will ever serve. */
function pageServerRequirements(machine: Machine, { pair, parameters }: Design, sources: readonly Side[]): Requirement[] {
  const requirements: Requirement[] = [];
  if (sources.includes(machine.side))
    requirements.push({
      kind: "command",
      argv: () => ["ss", "-Hltn"],
      claim: `port ${parameters.port} is free`,
      withinMs: 15 * seconds,
      judge: (result) => judgePortFree(result, parameters.port),
    });
  const source = pair[other(machine.side)];
  const address = source.address ?? "";
  if (sources.includes(source.side))
    requirements.push({
      kind: "command",
      argv: () => ["ping", "-c", "1", "-W", "5", address],
      claim: `the page server of ${source.node.name} can be reached at ${address}`,
      withinMs: 30 * seconds,
      judge: (result) => judgeReachable(result, address),
    });
  return requirements;
}
