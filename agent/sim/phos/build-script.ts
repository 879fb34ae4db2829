/** build.sh: units, logs, rustup in the background, and exit codes that mean little (facts: PhOS §2). */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { faultsOf } from "../tools/surroundings.js";
import type { ToolCall } from "../tools/tool.js";
import { goArchive } from "./assets.js";
import { effectiveConfig } from "./build-config.js";
import { findImage } from "./images.js";
import type { ContainerProcess, Program } from "./process.js";
import { submodules, submoduleFiles } from "./tree.js";

export const installed = {
  client: "/usr/local/bin/pos_cli",
  daemon: "/usr/local/bin/xpu-server",
  library: "/lib/x86_64-linux-gnu/libpos.so",
  interposer: "/lib/x86_64-linux-gnu/libxpuclient.so",
} as const;

export const cargoPath = "/root/.cargo/bin/cargo";
const variable = 'export phos="LD_PRELOAD=libxpuclient.so RUST_LOG=error"\n';

export const buildScript: Program = async (call, process) => {
  const options = call.argv.filter((word) => word.startsWith("-"));
  const unknown = options.find((option) => !["-3", "-i", "-u", "-c", "-t", "-h"].includes(option));
  if (unknown !== undefined) {
    call.err(`flag provided but not defined: ${unknown}\nUsage of ./pos_build:\n`);
    return 2;
  }
  if (options.includes("-h")) return say(call, "Usage: build.sh [-3] [-i] [-u] [-c] [-t cuda] [-h]");
  if (!call.machine.exists(`/root/${goArchive}`)) return fatal(call, "failed to install golang");
  if (options.includes("-c")) return clean(call);
  if (!hasCargo(call)) return fetchCargo(call, process);
  return build(call, process, { installs: options.includes("-i"), tests: options.includes("-u") });
};

/** There, and on the PATH: only a login shell has read what rustup has written. */
function hasCargo(call: ToolCall): boolean {
  if (faultsOf(call).has("build-never-finishes")) return false;
  return call.machine.exists(cargoPath) && (call.env["PATH"] ?? "").includes("/root/.cargo/bin");
}

function fetchCargo(call: ToolCall, process: ContainerProcess): number {
  const isRunning = process.engine.living(process.container).some(({ name }) => name === "rustup-init");
  if (!isRunning) process.engine.spawn(process.container, { argv: ["rustup-init", "-y"], cwd: "/root", env: process.env });
  return say(call, "[NOT FINISHED YET!] rustup is at work in tmux; wait for it, source /etc/profile, and run this script again");
}

/** Detached: it goes on when the script has ended. */
export const rustupInit: Program = async (call, process) => {
  await process.work(15_000);
  write(call, cargoPath, "cargo\n");
  const profile = call.machine.read("/etc/profile") ?? "";
  if (!profile.includes("/.cargo/bin")) writeFileSync(call.machine.host("/etc/profile"), `${profile}export PATH=$PATH:/root/.cargo/bin\n`);
  return 0;
};

async function build(
  call: ToolCall,
  process: ContainerProcess,
  { installs, tests }: { installs: boolean; tests: boolean },
): Promise<number> {
  const faults = faultsOf(call);
  for (const [unit, cause] of unitsOf(call, process)) {
    say(call, `building ${unit}...`);
    await process.work(20_000);
    write(call, `/root/build_log/build_${unit}.log`, cause === undefined ? `${unit}: ok\n` : `[1/9] compiling ${unit}\n${cause}\n`);
    if (cause !== undefined) return fatal(call, `failed, please see log at /root/build_log/build_${unit}.log`);
  }
  if (tests) write(call, "/root/build_log/run_POSUnitTest.log", "[  PASSED  ] 42 tests.\n");
  if (faults.has("build-says-nothing")) return 0;
  if (!installs) return say(call, "built");
  install(call);
  return say(
    call,
    "\n========================================\nAll system go, PhOS is go for launch :)\n========================================",
  );
}

function unitsOf(call: ToolCall, process: ContainerProcess): (readonly [unit: string, cause: string | undefined])[] {
  const { machine } = call;
  const missing = submodules.find((path) => !Object.keys(submoduleFiles(path)).every((file) => machine.exists(`/root/${file}`)));
  const [major = 0, minor = 0] = (findImage(process.container.spec.image)?.glibc ?? "2.31").split(".").map(Number);
  const criu = major === 2 && minor < 29 ? "error: implicit declaration of function 'getdents64' (needs glibc 2.29)" : undefined;
  const verbs = machine.exists("/usr/include/infiniband/verbs.h")
    ? undefined
    : "fatal error: infiniband/verbs.h: No such file or directory";
  const broken = faultsOf(call).has("build-fails") ? "error: 'cudaGraphExec_t' was not declared in this scope" : undefined;
  return [
    ["CRIU", missing === undefined ? criu : `CMake Error: The source directory "/root/${missing}" does not contain CMakeLists.txt.`],
    ["PhOS-Remoting", verbs],
    ["PhOS-Core", broken],
  ];
}

function install(call: ToolCall): void {
  const faults = faultsOf(call);
  const config = JSON.stringify(effectiveConfig(call.machine.read("/root/scripts/build_scripts/build_configs.yaml") ?? ""));
  const contents = `${config}\n`;
  if (faults.has("build-installs-nothing-new")) return;
  for (const path of Object.values(installed)) {
    if (faults.has("build-installs-half") && path === installed.library) continue;
    write(call, path, contents);
  }
  write(call, "/root/lib/libpos.so", contents);
  if (faults.has("build-forgets-profile")) return;
  const profile = call.machine.read("/etc/profile") ?? "";
  if (!profile.includes(variable)) writeFileSync(call.machine.host("/etc/profile"), `${profile}${variable}`);
}

function clean(call: ToolCall): number {
  rmSync(call.machine.host("/root/lib"), { recursive: true, force: true });
  return say(call, "cleaned");
}

function write({ machine }: ToolCall, path: string, contents: string): void {
  mkdirSync(dirname(machine.host(path)), { recursive: true });
  writeFileSync(machine.host(path), contents);
}

function say(call: ToolCall, text: string): number {
  call.out(`${text}\n`);
  return 0;
}

function fatal(call: ToolCall, text: string): number {
  call.err(`${text}\n`);
  return 1;
}
