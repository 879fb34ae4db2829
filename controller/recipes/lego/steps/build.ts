/** Images and modules, built on the nodes that will run them (facts: LegoOS §9 step 3, §4). */
import type { FileSeen, Requirement, Step, Verdict } from "../../../deploy/recipe.js";
import type { Manager, Member } from "../cluster.js";
import { type Design, minutes, numberFrom, seconds, stepIds } from "../design.js";
import { judgeKernelBuild } from "../node-tools.js";

const image = "arch/x86/boot/bzImage";

export function buildSteps(design: Design): Step[] {
  const { managers, storage } = design.cluster;
  const steps = managers.map((manager) => buildImage(manager, design));
  return storage === undefined ? steps : [...steps, buildModules(storage, design)];
}

function buildImage(manager: Manager, design: Design): Step {
  const { cluster, parameters } = design;
  const path = `${parameters.source}/${image}`;
  return {
    id: stepIds.build(manager),
    phase: "build",
    node: manager.node.name,
    title: `image of the ${manager.role} manager`,
    needs: [stepIds.crossCheck(cluster)],
    repeat: "repeatable",
    actsWithinMs: (parameters.buildWithinMin + 2) * minutes,
    acts: (known) => {
      const jobs = parameters.jobs ?? numberFrom(known.outputs, stepIds.check(manager), "cpuCount");
      return [
        // Whatever is there afterwards is from this build.
        { kind: "remove-file", path },
        {
          kind: "command",
          argv: ["make", `-j${jobs}`],
          cwd: parameters.source,
          timeoutMs: parameters.buildWithinMin * minutes,
          expect: judgeKernelBuild,
        },
      ];
    },
    evidence: [
      {
        kind: "file",
        path: () => path,
        claim: "this build has made an image",
        withinMs: 15 * seconds,
        judge: (file) => {
          if (file?.sha256 === undefined || file.sizeBytes === 0)
            return { ok: false, final: true, reason: `the build has left no ${image}` };
          return { ok: true, lines: [`${image} ${file.sizeBytes} bytes, sha256 ${file.sha256}`], outputs: { sha256: file.sha256 } };
        },
      },
    ],
  };
}

function buildModules(storage: Member, { cluster, parameters }: Design): Step {
  const directory = `${parameters.source}/linux-modules`;
  const modules = ["fit/fit.ko", "storage/storage.ko"];
  return {
    id: stepIds.build(storage),
    phase: "build",
    node: storage.node.name,
    title: `modules for Linux ${parameters.storageKernel}`,
    needs: [stepIds.crossCheck(cluster)],
    repeat: "repeatable",
    acts: () => [
      ...modules.map((name) => ({ kind: "remove-file", path: `${directory}/${name}` }) as const),
      { kind: "command", argv: ["make"], cwd: directory, timeoutMs: parameters.buildWithinMin * minutes },
    ],
    evidence: modules.map((name) => moduleThere(`${directory}/${name}`)),
  };
}

function moduleThere(path: string): Requirement {
  const judge = (file: FileSeen | undefined): Verdict =>
    file === undefined || file.sizeBytes === 0
      ? { ok: false, final: true, reason: `the build has left no ${path}` }
      : { ok: true, lines: [`${path} ${file.sizeBytes} bytes`] };
  return { kind: "file", path: () => path, claim: "this build has made the module", withinMs: 15 * seconds, judge };
}
