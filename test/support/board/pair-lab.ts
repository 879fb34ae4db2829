/**
 * A lab of a HEXO pair, as processes: a controller, an agent for this machine, and the board, which only that agent reaches, by ssh.
 * This machine is itself: its "/", facts, find, sha256sum, pgrep, rsync and ssh are real. Stand-ins, in a scratch directory, are what
 * HEXO brings along (toolchain, sources, make, proxy) and, where it has no /dev/kvm we may use, a file in its place.
 */
import { accessSync, constants } from "node:fs";
import { chmod, copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Test } from "tap";
import { installLauncher } from "../../../agent/sim/tools/launcher.js";
import { laySourceTree } from "../../../agent/sim/hexo/source-tree.js";
import { layToolchain, proxyPaths } from "../../../agent/sim/hexo/toolchain.js";
import { connectLab } from "../../../controller/cli/connection.js";
import { labDirectory } from "../../../controller/cli/lab-directory.js";
import { Daemon } from "../../../controller/cli/local/daemon.js";
import { controllerSpec } from "../../../controller/cli/local/daemon-specs.js";
import { programs } from "../../../controller/cli/local/programs.js";
import { systemClock } from "../../../proto/base/clock.js";
import { scratchDirectory } from "../host/scratch.js";
import { CliProcess, type CliResult } from "../whole-lab/cli-process.js";
import type { Board } from "./board.js";

const bundledProxy = fileURLToPath(new URL("../../../hexo-proxy.cjs", import.meta.url));

export interface PairLab {
  readonly directory: string;
  /** Where the x86 node keeps its jobs. */
  readonly jobs: string;
  /** POPHERMIT. */
  readonly toolchain: string;
  /** popcorn-compiler. */
  readonly source: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Runs a `lab` command. */
  lab(...args: readonly string[]): Promise<CliResult>;
}

/** `deployments`: of the roles x86: x0, board: potato0; what is said of machines and paths is added. */
export async function startPairLab(
  t: Test,
  board: Board,
  deployments: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
): Promise<PairLab> {
  // The test runner makes every child load its hooks.
  delete process.env["NODE_OPTIONS"];
  const scratch = await scratchDirectory(t);
  const toolchain = join(scratch, "hermit-popcorn");
  const source = join(scratch, "popcorn-compiler");
  await mkdir(join(scratch, "work"));
  const environment = await furnish(scratch, { toolchain, source, sshConfig: board.sshConfig });
  const paths = {
    source,
    pophermit: toolchain,
    workdir: join(scratch, "work"),
    boardHome: `/home/${board.user}`,
    boardIdentity: board.identity,
  };
  const inventory = join(scratch, "lab.yaml");
  // JSON is YAML.
  await writeFile(inventory, JSON.stringify(inventoryOf(board, deployments, paths)));
  const directory = labDirectory({}, join(scratch, "lab"));
  const controller = await Daemon.start(
    controllerSpec(directory, { inventory, listen: "127.0.0.1:0" }),
    systemClock,
    new AbortController().signal,
  );
  t.teardown(() => controller.stop());
  const connection = await connectLab(directory, systemClock);
  t.teardown(() => connection.close());
  const { token } = await connection.enrollment.createToken({ kind: "agent", name: "x0", ttlMs: 0n });
  const state = join(scratch, "agent");
  const config = join(scratch, "agent.json");
  const settings = {
    name: "x0",
    node: true,
    controller: connection.address,
    state,
    joinToken: token,
    rebootCommand: ["false"],
    exitWithStdin: true,
  };
  await writeFile(config, JSON.stringify(settings), { mode: 0o600 });
  const agent = await Daemon.start(
    {
      name: "lab-agent x0",
      program: programs.agentBundle,
      args: ["--config", config],
      env: environment,
      logFile: join(directory.path, "log", "lab-agent-x0.log"),
      ready: /^lab-agent /,
      readyWithinMs: 60_000,
    },
    systemClock,
    new AbortController().signal,
  );
  t.teardown(() => agent.stop());
  t.teardown(async () => {
    if (t.passing()) return;
    for (const name of ["lab-controller", "lab-agent-x0"])
      t.comment(`${name}: ${(await readFile(join(directory.path, "log", `${name}.log`), "utf8")).split("\n").slice(-30).join("\n")}`);
  });
  return {
    directory: scratch,
    jobs: join(state, "jobs"),
    toolchain,
    source,
    environment,
    lab: (...args) => new CliProcess(t, directory.path, args).result(600_000),
  };
}

function inventoryOf(
  board: Board,
  deployments: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  paths: Readonly<Record<string, string>>,
): unknown {
  const { sshPort: port, user, identity, hostKey, consoleFile } = board;
  return {
    lab: "pair",
    agents: { x0: { site: true } },
    nodes: {
      x0: { address: "127.0.0.2" },
      potato0: {
        arch: "aarch64",
        address: "127.0.0.1",
        ssh: { via: "x0", port, user, identity, host_key: hostKey },
        console: { file: consoleFile, line: "ttyAMA0", via: "x0" },
      },
    },
    deployments: Object.fromEntries(
      Object.entries(deployments).map(([name, parameters]) => [
        name,
        { recipe: "hexo", roles: { x86: "x0", board: "potato0" }, with: { ...paths, ...parameters } },
      ]),
    ),
  };
}

/** Lays everything of HEXO's into the scratch directory. Returns the environment of processes on the x86 node. */
async function furnish(
  scratch: string,
  { toolchain, source, sshConfig }: { toolchain: string; source: string; sshConfig: string },
): Promise<NodeJS.ProcessEnv> {
  const bin = join(scratch, "bin");
  laySourceTree("/", source);
  layToolchain("/", toolchain);
  for (const path of Object.values(proxyPaths)) {
    await copyFile(bundledProxy, join(toolchain, path));
    await chmod(join(toolchain, path), 0o755);
  }
  installLauncher("/", join(bin, "make"), "hexo", "make");
  // The program is the system's; known hosts are the test's instead of the user's.
  await script(join(bin, "ssh"), `exec /usr/bin/ssh -F '${sshConfig}' "$@"`);
  const environment: NodeJS.ProcessEnv = {
    ...process.env,
    PATH: `${bin}:${process.env["PATH"]}`,
    LABD_SIM_ROOT: "/",
    LABD_SIM_SPEED_UP: "1",
  };
  if (mayUse("/dev/kvm")) return environment;
  const kvm = join(scratch, "kvm");
  await writeFile(kvm, "", { mode: 0o600 });
  const swap = `for w; do shift; case $w in if=/dev/kvm) w='if=${kvm}';; of=/dev/kvm) w='of=${kvm}';; esac; set -- "$@" "$w"; done`;
  await script(join(bin, "dd"), `${swap}\nexec /bin/dd "$@"`);
  return { ...environment, LABD_SIM_KVM: kvm };
}

async function script(path: string, text: string): Promise<void> {
  await writeFile(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
}

function mayUse(device: string): boolean {
  try {
    accessSync(device, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
