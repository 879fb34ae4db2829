/** `make` at the top of the stand-in LegoOS tree: configuration targets, the kernel, its installation. */
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { imageMagic } from "../kernel.js";
import { legoKind } from "../lego/image.js";
import { formatConfig, parseConfig, type ResolvedConfig, resolveConfig } from "../lego/kconfig.js";
import { interview } from "../lego/kconfig-questions.js";
import { buildKernel, kernelRelease } from "../lego/kernel-build.js";
import { installKernelImage } from "./install-kernel.js";
import { noRule, stop } from "./make-errors.js";
import type { ToolCall } from "./tool.js";

const defconfigFile = "arch/x86/configs/x86_64_defconfig";
const imageFile = "arch/x86/boot/bzImage";
/** Text of files that decide what is built; touching one has make compile it again. */
const sourceFiles = ["managers/core.c", "managers/processor/core.c", "net/lego/fit_machine.c"];
const compileMs = 60;

export async function makeKernel(call: ToolCall, targets: readonly string[]): Promise<number> {
  for (const target of targets.length > 0 ? targets : ["all"]) {
    const rule = rules[target];
    const exitCode = rule === undefined ? stop(call, noRule(target)) : await rule(call);
    if (exitCode !== 0) return exitCode;
  }
  return 0;
}

const rules: Readonly<Record<string, (call: ToolCall) => Promise<number> | number>> = {
  defconfig: (call) => {
    call.out("*** Default configuration is based on 'x86_64_defconfig'\n");
    return configure(call, readConfig(call, defconfigFile));
  },
  x86_64_defconfig: (call) => configure(call, readConfig(call, defconfigFile)),
  olddefconfig: (call) => configure(call, readConfig(call, existing(call))),
  oldconfig: async (call) => {
    const answered = interview(readAssignments(call, existing(call)), (await call.stdin()).split("\n"));
    call.out(answered.transcript);
    return answered.outcome === "answered" ? configure(call, answered.config) : configurationFailed(call, "oldconfig");
  },
  kernelrelease: (call) => {
    const config = readConfig(call, existing(call)).values;
    call.out(`${kernelRelease(call.machine.read("Makefile") ?? "", config, call.machine.exists(".git"))}\n`);
    return 0;
  },
  all: build,
  bzImage: build,
  install: installBuilt,
  clean: (call) => {
    for (const file of [imageFile, "vmlinux", "System.map", "managers/memory/ramfs/piggy.o"])
      rmSync(call.machine.host(file), { force: true });
    return 0;
  },
  mrproper: (call) => {
    for (const file of [imageFile, "vmlinux", "System.map", "managers/memory/ramfs/piggy.o", ".config", ".config.old", ".version"]) {
      rmSync(call.machine.host(file), { force: true });
    }
    return 0;
  },
};

function existing(call: ToolCall): string {
  return call.machine.exists(".config") ? ".config" : defconfigFile;
}

function readAssignments(call: ToolCall, file: string) {
  const { assignments, warnings } = parseConfig(call.machine.read(file) ?? "", file);
  call.err(warnings.map((warning) => `${warning}\n`).join(""));
  return assignments;
}

function readConfig(call: ToolCall, file: string): ResolvedConfig {
  return resolveConfig(readAssignments(call, file));
}

function configure(call: ToolCall, config: ResolvedConfig): number {
  const { machine } = call;
  if (machine.exists(".config")) copyFileSync(machine.host(".config"), machine.host(".config.old"));
  writeFileSync(machine.host(".config"), formatConfig(config));
  call.out("#\n# configuration written to .config\n#\n");
  return 0;
}

function configurationFailed(call: ToolCall, target: string): number {
  call.err(`make[1]: *** [${target}] Error 1\n`);
  return stop(call, `[${target}] Error 2`);
}

async function build(call: ToolCall): Promise<number> {
  const { machine } = call;
  if (!machine.exists(".config")) {
    call.err(`***\n*** Configuration file ".config" not found!\n***\n*** Please run some configurator (e.g. "make oldconfig" or\n`);
    call.err(`*** "make menuconfig" or "make xconfig").\n***\n`);
    return configurationFailed(call, "silentoldconfig");
  }
  const config = readConfig(call, ".config");
  const question = config.questions[0];
  if (question !== undefined) {
    call.out(`*\n* Restart config...\n*\n${question.prompt} (${question.name}) [] (NEW) aborted!\n\n`);
    call.out("Console input/output is redirected. Run 'make oldconfig' to update configuration.\n\n");
    return configurationFailed(call, "silentoldconfig");
  }
  return compileAndLink(call, config);
}

async function compileAndLink(call: ToolCall, config: ResolvedConfig): Promise<number> {
  const { machine } = call;
  const linked = Number(machine.read(".version") ?? "0");
  const builder = `root@${(machine.read("/etc/hostname") ?? "localhost").trim()}`;
  const common = { read: (path: string) => machine.read(path), config: config.values, gitCheckout: machine.exists(".git"), builder };
  const input = { ...common, buildNumber: linked + 1, date: dateOf(call.now()) };
  await call.work(compileMs);
  const result = buildKernel(input);
  if (result.outcome === "failed") {
    call.out(result.log);
    call.err(`${result.errors}\n`);
    return 2;
  }
  const inputs = JSON.stringify({ ...result.build, version: "" });
  if (isUpToDate(call, inputs)) {
    call.out(`Kernel: ${imageFile} is ready  (#${linked})\n`);
    return 0;
  }
  call.out(result.log);
  call.err(result.warnings);
  if (result.ramfsObject !== undefined) put(call, "managers/memory/ramfs/piggy.o", result.ramfsObject);
  put(call, "vmlinux", inputs);
  put(call, "System.map", "ffffffff81000000 T startup_64\n");
  put(call, imageFile, `${imageMagic}${JSON.stringify({ kind: legoKind, build: result.build })}\n`);
  put(call, ".version", `${linked + 1}\n`);
  call.out(`Setup is 13692 bytes (padded to 13824 bytes).\nSystem is 1402 kB\nKernel: ${imageFile} is ready  (#${linked + 1})\n`);
  return 0;
}

/** As make sees it: the same inputs as last time, and no source newer than the image. */
function isUpToDate(call: ToolCall, inputs: string): boolean {
  const { machine } = call;
  const imageMs = machine.modifiedMs(imageFile);
  return imageMs > 0 && machine.read("vmlinux") === inputs && sourceFiles.every((file) => machine.modifiedMs(file) <= imageMs);
}

function put(call: ToolCall, path: string, contents: string): void {
  const host = call.machine.host(path);
  mkdirSync(dirname(host), { recursive: true });
  writeFileSync(host, contents);
}

async function installBuilt(call: ToolCall): Promise<number> {
  const { machine } = call;
  const image = machine.read(imageFile);
  if (image === undefined) {
    call.err(`\n *** Missing file: ${imageFile}\n *** You need to run "make" before "make install".\n\n`);
    return stop(call, "[install] Error 1");
  }
  const { release } = (JSON.parse(image.slice(imageMagic.length)) as { build: { release: string } }).build;
  call.out(`sh ./arch/x86/boot/install.sh ${release} ${imageFile} \\\n\t\tSystem.map "/boot"\n`);
  await call.work(compileMs);
  return installKernelImage(call, { release, image: imageFile, map: "System.map" });
}

/** As `date` prints it: "Sat Nov 21 02:00:34 UTC 2026". */
function dateOf(nowMs: number): string {
  const [day, date, month, year, time] = new Date(nowMs).toUTCString().replace(",", "").split(" ");
  return `${day} ${month} ${String(Number(date)).padStart(2)} ${time} UTC ${year}`;
}
