/**
 * Runs GRUB scripts against the files of one machine: variables, the environment block, menu entries, kernels to load.
 * Time and keys are the boot loader's business (boot-loader.ts); here everything happens at once.
 */
import { describeError } from "../../../proto/base/errors.js";
import type { KernelImage } from "../kernel.js";
import { formatEnvironmentBlock, parseEnvironmentBlock } from "./environment-block.js";
import { loaderCommandLine } from "./loader-command-line.js";
import { parseKernelImage } from "./kernel-image.js";
import { parseScript, type Statement } from "./grub-script.js";
import { expandWord } from "./grub-words.js";

/** The boot loader's view of a disk: absolute paths, whole files. */
export interface BootFiles {
  /** Undefined when there is no such file. */
  read(path: string): Uint8Array | undefined;
  /** Overwrites a file that is there. */
  write(path: string, contents: Uint8Array): void;
}

export interface MenuEntry {
  /** A submenu's body makes further entries when somebody enters it. */
  readonly kind: "entry" | "submenu";
  readonly id: string;
  readonly title: string;
  readonly body: readonly Statement[];
}

export interface LoadedKernel {
  readonly protocol: "linux" | "linux16";
  readonly path: string;
  readonly image: KernelImage;
  /** What the kernel will see, `BOOT_IMAGE=` first. */
  readonly commandLine: string;
}

type Command = (args: readonly string[], block: readonly Statement[] | undefined) => boolean;

/** Commands that change nothing a simulated machine has: modules, terminals, looks. */
const ignoredCommands = [
  ..."insmod search serial terminal terminal_input terminal_output loadfont export clear sleep".split(" "),
  ..."background_color background_image videoinfo gfxpayload true keystatus probe hwmatch fwsetup".split(" "),
];

export class GrubShell {
  /** Of the menu that is made now. */
  #menu: MenuEntry[] = [];
  readonly variables = new Map<string, string>();
  loaded: LoadedKernel | undefined;
  /** GRUB's grub_errno: a menu entry that set it is not booted. */
  failed = false;
  readonly #files: BootFiles;
  readonly #print: (text: string) => void;
  readonly #functions = new Map<string, readonly Statement[]>();
  readonly #commands: ReadonlyMap<string, Command>;
  #positional: readonly string[] = [];
  #status = true;

  /** `prefix`: the directory of grub.cfg. */
  constructor(files: BootFiles, prefix: string, print: (text: string) => void) {
    this.#files = files;
    this.#print = print;
    this.variables.set("prefix", prefix).set("config_directory", prefix).set("root", "hd0,msdos1").set("feature_menuentry_id", "y");
    this.#commands = this.#commandTable();
  }

  /** Of grub.cfg's menu, or of the submenu entered last. */
  get entries(): readonly MenuEntry[] {
    return this.#menu;
  }

  /** Enters a submenu: its entries take the place of those there were. */
  enter(submenu: MenuEntry): void {
    this.#menu = [];
    this.run(submenu.body);
  }

  /** Runs a script file; false when it is missing, broken, or its last command failed. */
  source(path: string): boolean {
    const text = this.#read(path);
    if (text === undefined) return this.#fail(`file \`${path}' not found.`);
    try {
      return this.run(parseScript(Buffer.from(text).toString("utf8")));
    } catch (error) {
      return this.#fail(`${path}: ${describeError(error)}`);
    }
  }

  run(statements: readonly Statement[]): boolean {
    for (const statement of statements) this.#status = this.#run(statement);
    return this.#status;
  }

  #run(statement: Statement): boolean {
    switch (statement.kind) {
      case "function":
        this.#functions.set(statement.name, statement.body);
        return true;
      case "if":
        for (const branch of statement.branches) {
          if (this.run(branch.condition)) return this.run(branch.body);
        }
        return this.run(statement.otherwise);
      case "command": {
        const [name, ...args] = statement.words.flatMap((word) => expandWord(word, (variable) => this.#lookUp(variable)));
        return name === undefined || this.#execute(name, args, statement.block);
      }
    }
  }

  #execute(name: string, args: readonly string[], block: readonly Statement[] | undefined): boolean {
    const body = this.#functions.get(name);
    if (body !== undefined) return this.#call(body, args);
    const command = this.#commands.get(name);
    if (command !== undefined) return command(args, block);
    if (/^[A-Za-z_][A-Za-z0-9_]*=/.test(name)) return this.#assign(name);
    return this.#fail(`can't find command \`${name}'.`);
  }

  #call(body: readonly Statement[], args: readonly string[]): boolean {
    const outer = this.#positional;
    this.#positional = args;
    const status = this.run(body);
    this.#positional = outer;
    return status;
  }

  #commandTable(): ReadonlyMap<string, Command> {
    const table = new Map<string, Command>(ignoredCommands.map((name) => [name, () => true]));
    table.set("false", () => false);
    table.set("set", ([assignment = ""]) => this.#assign(assignment));
    table.set("unset", ([name = ""]) => this.variables.delete(name) || true);
    table.set("echo", (args) => this.#say(args.filter((each) => each !== "-n" && each !== "-e").join(" ")));
    table.set("source", ([path = ""]) => this.source(path));
    table.set("configfile", ([path = ""]) => this.source(path));
    table.set("[", (args) => this.#test(args.slice(0, -1)));
    table.set("test", (args) => this.#test(args));
    table.set("load_env", () => this.#loadEnvironment());
    table.set("save_env", (names) => this.#saveEnvironment(names));
    table.set("menuentry", (args, block) => this.#addEntry("entry", args, block ?? []));
    table.set("submenu", (args, block) => this.#addEntry("submenu", args, block ?? []));
    for (const protocol of ["linux", "linux16"] as const) table.set(protocol, (args) => this.#loadKernel(protocol, args));
    for (const name of ["initrd", "initrd16"]) table.set(name, (args) => this.#loadInitrd(args));
    return table;
  }

  #lookUp(name: string): string {
    if (name === "?") return this.#status ? "0" : "1";
    if (/^[0-9]+$/.test(name)) return this.#positional[Number(name) - 1] ?? "";
    return this.variables.get(name) ?? "";
  }

  #assign(assignment: string): boolean {
    const equals = assignment.indexOf("=");
    if (equals > 0) this.variables.set(assignment.slice(0, equals), assignment.slice(equals + 1));
    return true;
  }

  #test(args: readonly string[]): boolean {
    const or = args.lastIndexOf("-o");
    if (or > 0) return this.#test(args.slice(0, or)) || this.#test(args.slice(or + 1));
    const and = args.lastIndexOf("-a");
    if (and > 0) return this.#test(args.slice(0, and)) && this.#test(args.slice(and + 1));
    const [first = "", second = "", third = ""] = args;
    if (first === "!") return !this.#test(args.slice(1));
    if (args.length === 3) return second === "!=" ? first !== third : (second === "=" || second === "==") && first === third;
    if (args.length < 2) return first !== "";
    if (first === "-n") return second !== "";
    if (first === "-z") return second === "";
    const file = this.#read(second);
    return first === "-s" ? (file?.length ?? 0) > 0 : file !== undefined;
  }

  #environmentPath(): string {
    return `${this.#lookUp("prefix")}/grubenv`;
  }

  #loadEnvironment(): boolean {
    const block = this.#read(this.#environmentPath());
    if (block === undefined) return this.#fail(`file \`${this.#environmentPath()}' not found.`);
    const variables = parseEnvironmentBlock(block);
    if (variables === undefined) return this.#fail("invalid environment block.");
    for (const [name, value] of variables) this.variables.set(name, value);
    return true;
  }

  /** An unset variable leaves the block; one set to nothing stays in it, empty. The block keeps its size. */
  #saveEnvironment(names: readonly string[]): boolean {
    const path = this.#environmentPath();
    const block = this.#read(path);
    if (block === undefined) return this.#fail(`file \`${path}' not found.`);
    const saved = parseEnvironmentBlock(block);
    if (saved === undefined) return this.#fail("invalid environment block.");
    for (const name of names) {
      const value = this.variables.get(name);
      if (value === undefined) saved.delete(name);
      else saved.set(name, value);
    }
    try {
      this.#files.write(path, formatEnvironmentBlock(saved, block.length));
      return true;
    } catch {
      return this.#fail("environment block too small.");
    }
  }

  #addEntry(kind: MenuEntry["kind"], args: readonly string[], body: readonly Statement[]): boolean {
    const [title = "", ...options] = args;
    let id = title;
    options.forEach((option, index) => {
      if (option === "--id") id = options[index + 1] ?? title;
      else if (option.startsWith("--id=")) id = option.slice("--id=".length);
    });
    this.#menu.push({ kind, id, title, body });
    return true;
  }

  #loadKernel(protocol: LoadedKernel["protocol"], args: readonly string[]): boolean {
    this.loaded = undefined;
    const [path] = args;
    if (path === undefined) return this.#fail("filename expected.");
    const file = this.#read(path);
    if (file === undefined) return this.#fail(`file \`${path}' not found.`);
    const image = parseKernelImage(file);
    if (image === undefined) return this.#fail("invalid magic number.");
    this.loaded = { protocol, path, image, commandLine: `BOOT_IMAGE=${loaderCommandLine(args)}` };
    return true;
  }

  #loadInitrd(paths: readonly string[]): boolean {
    if (this.loaded === undefined) return this.#fail("you need to load the kernel first.");
    const missing = paths.find((path) => this.#read(path) === undefined);
    if (missing === undefined) return true;
    this.loaded = undefined;
    return this.#fail(`file \`${missing}' not found.`);
  }

  /** `(hd0,msdos1)/boot/x` is `/boot/x`: a simulated machine has one file system. */
  #read(path: string): Uint8Array | undefined {
    return this.#files.read(path.replace(/^\([^)]*\)/, ""));
  }

  #say(text: string): true {
    this.#print(`${text}\n`);
    return true;
  }

  #fail(message: string): false {
    this.failed = true;
    this.#say(`error: ${message}`);
    return false;
  }
}
