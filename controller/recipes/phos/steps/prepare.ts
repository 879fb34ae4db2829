/** Image, clone, container, packages, assets, configuration: what a build needs (facts: PhOS §2, §4 steps 1 and 2). */
import type { Act, CommandOutcome, Known, Look, Step, Verdict } from "../../../deploy/recipe.js";
import { judgeAssets, judgeCommit, judgeSubmodules, scripts } from "../build.js";
import { cloneIsOurs, markClone, notOurs } from "../clone-mark.js";
import { type BuildConfig, compareBuildConfig, requiredConfig, setBuildConfig } from "../build-config.js";
import { gpusOf, inspectContainer, judgeRunning, runContainer } from "../container.js";
import { type Design, home, inContainer, linesOf, minutes, numberFrom, scriptInContainer, seconds, stepIds, textFrom } from "../design.js";
import { judgeVisible } from "../gpu.js";
import { judgeGlibc } from "../host-tools.js";
import { look } from "../look.js";

export function prepareSteps(design: Design): Step[] {
  return [image(design), clone(design), container(design), assets(design), configure(design)];
}

function image(design: Design): Step {
  const { node, parameters } = design;
  const looks = imageLooks(design);
  return {
    id: stepIds.image(design),
    phase: "image",
    node: node.name,
    title: `image ${parameters.image}, in which a container with GPUs starts`,
    needs: [stepIds.quiet(design)],
    repeat: "repeatable",
    standing: looks,
    acts: () => [{ kind: "command", argv: ["docker", "pull", parameters.image], timeoutMs: parameters.imageWithinMin * minutes }],
    evidence: looks,
  };
}

function imageLooks(design: Design): Look[] {
  const { image: name } = design.parameters;
  const inside = (program: string, argument: string, ...options: string[]) =>
    ["docker", "run", "--rm", ...options, "--entrypoint", program, name, argument] as const;
  return [
    look("the image is there", ["docker", "image", "inspect", "--format", "{{.Id}}", name], ({ exitCode, stdout }) =>
      exitCode === 0 && stdout.trim() !== ""
        ? { ok: true, lines: [stdout.trim()] }
        : { ok: false, final: true, reason: `docker has no image ${name}` },
    ),
    look(
      "a container with GPUs starts and sees them",
      inside("nvidia-smi", "-L", "--gpus", gpusOf(design)),
      (result, known) => judgeVisible(result, gpusPlanned(design, known)),
      2 * minutes,
    ),
    look("its glibc is new enough to compile CRIU", inside("ldd", "--version"), judgeGlibc, minutes),
  ];
}

function gpusPlanned(design: Design, { outputs }: Known): number {
  const { gpus } = design.parameters;
  return gpus === "all" ? numberFrom(outputs, stepIds.check(design), "gpuCount") : gpus.length;
}

function clone(design: Design): Step {
  const { node, parameters } = design;
  const { repository, ref, source } = parameters;
  const origin = ["git", "-C", source, "remote", "get-url", "origin"];
  const ours = ({ exitCode, stdout }: CommandOutcome): Verdict =>
    exitCode === 0 && stdout.trim() === repository
      ? { ok: true, lines: [stdout.trim()] }
      : { ok: false, final: true, reason: `${source} is not a clone of ${repository}; give "source" another place, or move it away` };
  const looks: Look[] = [
    look("the clone is of this repository", origin, ours),
    cloneIsOurs(design),
    look("it is at the commit of the branch or tag", ["git", "-C", source, "rev-parse", "HEAD"], (result, { outputs }) =>
      judgeCommit(result, textFrom(outputs, stepIds.check(design), "refCommit")),
    ),
    look("every submodule is there", ["git", "-C", source, "submodule", "status", "--recursive"], judgeSubmodules),
  ];
  const limit = { timeoutMs: parameters.cloneWithinMin * minutes };
  const git = (...argv: string[]): Act => ({ kind: "command", argv: ["git", "-C", source, ...argv], ...limit });
  return {
    id: stepIds.clone(design),
    phase: "clone",
    node: node.name,
    title: `${repository} ${ref} with its submodules into ${source}`,
    needs: [stepIds.quiet(design)],
    repeat: "repeatable",
    actsWithinMs: 2 * (parameters.cloneWithinMin + 1) * minutes,
    standing: looks,
    acts: ({ outputs }) => {
      const { cloned, marked } = outputs[stepIds.check(design)] ?? {};
      const expect = (result: CommandOutcome): Verdict =>
        ours(result).ok && marked !== true ? { ok: false, reason: notOurs(design) } : ours(result);
      return cloned === true
        ? [
            // Fails here, before anything of it is changed, when it is somebody else's.
            { kind: "command", argv: origin, timeoutMs: 30 * seconds, expect },
            git("fetch", "--tags", "origin", ref),
            git("checkout", "--force", "--detach", "FETCH_HEAD"),
            git("submodule", "update", "--init", "--recursive", "--force"),
          ]
        : [
            markClone(design),
            { kind: "command", argv: ["git", "clone", "--recurse-submodules", "--branch", ref, repository, source], ...limit },
          ];
    },
    evidence: looks,
  };
}

function container(design: Design): Step {
  const { node, parameters, container: name } = design;
  const looks: Look[] = [
    look("the container runs, made as planned", inspectContainer(design), (result) => judgeRunning(result, design)),
    look(
      "its GPUs are visible inside",
      inContainer(design, ["nvidia-smi", "-L"]),
      (result, known) => judgeVisible(result, gpusPlanned(design, known)),
      30 * seconds,
    ),
  ];
  return {
    id: stepIds.container(design),
    phase: "container",
    node: node.name,
    title: `container ${name}, privileged, with the host's network and the clone as its home`,
    needs: [stepIds.image(design), stepIds.clone(design)],
    repeat: "verify",
    actsWithinMs: 4 * minutes,
    standing: looks,
    acts: (known) => {
      const { container: standing = "absent" } = known.outputs[stepIds.check(design)] ?? {};
      return [
        ...(standing === "absent" ? [] : [{ kind: "command", argv: ["docker", "rm", "-f", name], timeoutMs: minutes } as const]),
        // A cargo of an earlier container, in the home they share, would be taken for the one this container's rustup is still to bring.
        { kind: "remove-file", path: `${parameters.source}/.cargo`, recursive: true },
        { kind: "remove-file", path: `${parameters.source}/.rustup`, recursive: true },
        { kind: "command", argv: runContainer(design, known), timeoutMs: 2 * minutes },
      ];
    },
    evidence: looks,
  };
}

/** What the scripts take for granted: they install much by apt themselves, but not this. */
const packages = ["ca-certificates", "git", "git-lfs", "wget", "libibverbs-dev"];

function assets(design: Design): Step {
  const { node, parameters } = design;
  const limit = { timeoutMs: parameters.assetsWithinMin * minutes };
  const apt = (...argv: string[]): Act => ({
    kind: "command",
    argv: inContainer(design, ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", ...argv]),
    ...limit,
  });
  const looks: Look[] = [
    look("the development files of ibverbs are there", inContainer(design, ["ls", "/usr/include/infiniband/verbs.h"]), ({ exitCode }) =>
      exitCode === 0 ? { ok: true } : { ok: false, final: true, reason: "there is no /usr/include/infiniband/verbs.h in the container" },
    ),
    look(
      "libclang, Go and Nsight are there, once each",
      inContainer(design, ["find", "assets", "third_party/libclang-static-build", "-maxdepth", "1"], home),
      judgeAssets,
    ),
  ];
  return {
    id: stepIds.assets(design),
    phase: "assets",
    node: node.name,
    title: "packages and assets of the build",
    needs: [stepIds.container(design)],
    repeat: "verify",
    standing: looks,
    acts: () => [
      apt("update"),
      apt("install", "-y", ...packages),
      // Half of an earlier download would be kept, and this one would go beside it as NAME.1.
      { kind: "remove-file", path: `${parameters.source}/assets`, recursive: true },
      { kind: "command", argv: scriptInContainer(design, ["download_assets.sh"], scripts), ...limit },
    ],
    evidence: looks,
  };
}

export function wantedConfig({ parameters }: Design): BuildConfig {
  return { ...requiredConfig, ...parameters.buildConfig };
}

function configure(design: Design): Step {
  const { node, parameters } = design;
  const path = `${parameters.source}/scripts/build_scripts/build_configs.yaml`;
  const wanted = wantedConfig(design);
  return {
    id: stepIds.configure(design),
    phase: "configure",
    node: node.name,
    title: "build_configs.yaml, by the names its reader knows",
    needs: [stepIds.clone(design)],
    repeat: "repeatable",
    acts: () => [{ kind: "edit-file", path, edit: (text) => setBuildConfig(text, wanted) }],
    evidence: [
      {
        kind: "file",
        path: () => path,
        wantText: true,
        claim: "every key stands in it as wanted",
        withinMs: 15 * seconds,
        judge: (file) => {
          const wrong = compareBuildConfig(file?.text ?? "", wanted);
          if (wrong.length > 0) return { ok: false, final: true, reason: wrong.join("; ") };
          const log = /^[ \t]*runtime_default_daemon_log_path[ \t]*:[ \t]*"?([^"\s#]+)/m.exec(file?.text ?? "")?.[1];
          return {
            ok: true,
            lines: linesOf(file?.text ?? "").filter((line) => !line.startsWith("#")),
            outputs: { daemonLog: log ?? "/var/log/phos/daemon" },
          };
        },
      },
    ],
  };
}
