/** A root directory with a LegoOS tree and stand-in tools called in this process: what a recipe's commands would do on a node. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { ToolReply, ToolRequest } from "../../../agent/sim/kernel.js";
import { defaultTreePath, seedLegoTree, seedStorageHost } from "../../../agent/sim/lego/tree.js";
import { MachineView } from "../../../agent/sim/tools/machine-view.js";
import { toolsOf } from "../../../agent/sim/systems.js";

export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class BuildHost {
  readonly root: string;
  /** What the kernel answers; uname -r by default. */
  ask: (request: ToolRequest) => Promise<ToolReply>;

  private constructor(root: string, release: string) {
    this.root = root;
    this.ask = ({ op }) => Promise.resolve(op === "uname" ? { exitCode: 0, stdout: `${release}\n` } : { exitCode: 127 });
  }

  /** A fresh host; `remove` it afterwards. */
  static async create(release = "3.11.1"): Promise<BuildHost> {
    const host = new BuildHost(mkdtempSync(join(tmpdir(), "labd-lego-")), release);
    await seedLegoTree(host.root);
    await seedStorageHost(host.root, release);
    return host;
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  async run(name: string, argv: readonly string[], options: { readonly cwd?: string; readonly stdin?: string } = {}): Promise<Ran> {
    let [stdout, stderr] = ["", ""];
    const exitCode = await toolsOf("lego")[name]?.({
      argv,
      machine: new MachineView({ rootDirectory: this.root, cwd: options.cwd ?? defaultTreePath, ask: (request) => this.ask(request) }),
      now: () => Date.UTC(2026, 10, 21, 2, 0, 34),
      work: () => Promise.resolve(),
      stdin: () => Promise.resolve(options.stdin ?? ""),
      env: {},
      onSignal: () => {},
      out: (text) => void (stdout += text),
      err: (text) => void (stderr += text),
    });
    return { exitCode: exitCode ?? 127, stdout, stderr };
  }

  make(...argv: readonly string[]): Promise<Ran> {
    return this.run("make", argv);
  }

  /** A file; relative paths are in the tree. */
  read(path: string): string {
    return readFileSync(this.#host(path), "utf8");
  }

  write(path: string, contents: string): void {
    mkdirSync(dirname(this.#host(path)), { recursive: true });
    writeFileSync(this.#host(path), contents);
  }

  /** Replaces text that must be there. */
  edit(path: string, from: string, to: string): void {
    const before = this.read(path);
    if (!before.includes(from)) throw new Error(`${path} does not contain ${from}`);
    this.write(path, before.replace(from, to));
  }

  /** defconfig, these lines appended, olddefconfig. */
  async configure(...lines: readonly string[]): Promise<void> {
    await this.make("defconfig");
    this.write(".config", `${this.read(".config")}${lines.join("\n")}\n`);
    await this.make("olddefconfig");
  }

  #host(path: string): string {
    return path.startsWith("/") ? join(this.root, path) : join(this.root, defaultTreePath, path);
  }
}

export const processorSymbols = ["CONFIG_COMP_PROCESSOR=y", "CONFIG_DEFAULT_MEM_NODE=1", "CONFIG_DEFAULT_STORAGE_NODE=1"];
export const memorySymbols = [
  "CONFIG_COMP_MEMORY=y",
  "CONFIG_FIT_LOCAL_ID=1",
  "CONFIG_DEFAULT_MEM_NODE=1",
  "CONFIG_DEFAULT_STORAGE_NODE=1",
];
