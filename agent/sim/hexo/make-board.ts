/** The targets of the template Makefile that reach for the board, as broken as they are (facts: HEXO §2, traps). */
import type { MakeCall } from "./make-variables.js";
import { build } from "./make-programs.js";
import { programName } from "./program-file.js";
import type { FindTool } from "./ssh.js";
import { proxyPaths } from "./toolchain.js";

const postCopyFiles = ["fds.bin", "mdata.bin", "stack.bin.0", "tls.bin.0"];
const programs = [programName("x86_64", true), programName("aarch64", true)];

export type Rule = (making: MakeCall) => Promise<number>;

export function boardRules(findTool: FindTool): Readonly<Record<string, Rule>> {
  const template = new Template(findTool);
  return {
    "test-arm": (making) => template.testArm(making),
    // *.bin is whatever lies there, of whichever run.
    "transfer-full-checkpoint-to-arm": (making) => template.send(making, template.checkpointFiles(making)),
    "transfer-checkpoint-to-arm": (making) => template.send(making, postCopyFiles),
    "transfer-full-checkpoint-from-arm": (making) => template.fetch(making, ["*.bin", "stack.bin.*", "tls.bin.*"]),
    "transfer-checkpoint-from-arm": (making) => template.fetch(making, postCopyFiles),
  };
}

class Template {
  readonly #findTool: FindTool;

  constructor(findTool: FindTool) {
    this.#findTool = findTool;
  }

  /** Kills every proxy on the board, whoever's it is, then brings its own, and runs it in the login directory. */
  async testArm(making: MakeCall): Promise<number> {
    const built = await build(making);
    if (built !== 0) return built;
    const { call, variables } = making;
    const target = variables.get("ARM_TARGET");
    const home = await this.#home(making);
    if (home === undefined) return 255;
    const removed = await this.#run(making, "ssh", [target, `rm -f ${home}/proxy ; pkill proxy ; true`]);
    if (removed !== 0) return removed;
    const files = [`${variables.get("POPHERMIT")}/${proxyPaths.aarch64}`, ...programs];
    const copied = await this.#run(making, "rsync", ["-a", ...files, `${target}:${home}/`]);
    if (copied !== 0) return copied;
    const environment = Object.entries({
      ...variables.proxyEnvironment(1),
      ST_X86_64_BIN: `${home}/${programs[0] ?? ""}`,
      ST_AARCH64_BIN: `${home}/${programs[1] ?? ""}`,
    }).map(([name, value]) => `${name}=${value}`);
    const line = [...environment, `${home}/proxy`, `${home}/${programs[1] ?? ""}`, ...variables.words("ARGS")].join(" ");
    call.out(`ssh ${target} "${line}"\n`);
    return this.#run(making, "ssh", [target, line]);
  }

  checkpointFiles({ call }: MakeCall): readonly string[] {
    const names = ["heap.bin", "bss.bin", "data.bin", "fds.bin", "mdata.bin", "stack.bin.0", "tls.bin.0"];
    return names.filter((name) => call.machine.exists(name));
  }

  async send(making: MakeCall, files: readonly string[]): Promise<number> {
    const home = await this.#home(making);
    if (home === undefined) return 255;
    return this.#run(making, "rsync", ["-a", ...files, `${making.variables.get("ARM_TARGET")}:${home}/`]);
  }

  /** Several names in one quoted argument: rsync 3.2.4 takes them for one; before, only the first was below the home set. */
  async fetch(making: MakeCall, files: readonly string[]): Promise<number> {
    const home = await this.#home(making);
    if (home === undefined) return 255;
    return this.#run(making, "rsync", ["-a", `${making.variables.get("ARM_TARGET")}:${home}/${files.join(" ")}`, "."]);
  }

  /** Not set, the board is asked, at every use. */
  async #home(making: MakeCall): Promise<string | undefined> {
    const set = making.variables.get("ARM_TARGET_HOME");
    if (!set.startsWith("$(shell")) return set;
    let said = "";
    const quiet = { ...making, call: { ...making.call, out: (text: string) => void (said += text) } };
    return (await this.#run(quiet, "ssh", [making.variables.get("ARM_TARGET"), "pwd"])) === 0 ? said.trim() : undefined;
  }

  async #run({ call }: MakeCall, tool: string, argv: readonly string[]): Promise<number> {
    return (await this.#findTool(tool)?.({ ...call, argv })) ?? 127;
  }
}
