/**
 * GRUB on one machine, from its banner to the kernel it loads: reads grub.cfg, shows the menu, counts down, boots an entry.
 * Whatever goes wrong, it waits at its menu or prompt for somebody at the serial line, as it would on iron.
 */
import type { Timer } from "../../../proto/base/clock.js";
import type { MachineTime } from "../kernel.js";
import { type BootFiles, GrubShell, type LoadedKernel, type MenuEntry } from "./grub-shell.js";

export const grubDirectories = ["/boot/grub2", "/boot/grub"] as const;

/** How long "Press any key to continue..." waits for one (GRUB's grub_wait_after_message). */
const messagePauseMs = 10_000;

const keys = { up: ["\x1b[A", "\x10"], down: ["\x1b[B", "\x0e"], boot: ["\r", "\n", "\x1b[C"] } as const;

export interface BootLoaderOptions {
  readonly files: BootFiles;
  readonly time: MachineTime;
  readonly print: (text: string) => void;
  /** The kernel is in memory and gets the machine. */
  readonly start: (kernel: LoadedKernel) => void;
}

/**
 * The entry GRUB picks for the first part of `wanted` ("SUBMENU>ENTRY"; ">>" stands for ">"): a number counts from 0, else an id or
 * title; what matches nothing is the first entry.
 */
export function chooseEntry(entries: readonly MenuEntry[], wanted: string): number {
  const [first] = splitPath(wanted);
  if (/^[0-9]+$/.test(first)) return Number(first) < entries.length ? Number(first) : 0;
  return Math.max(
    0,
    entries.findIndex((entry) => entry.id === first || entry.title === first),
  );
}

/** What is chosen in this menu, and what in the submenu it leads to. */
export function splitPath(wanted: string): readonly [first: string, rest: string] {
  const at = /^(?:[^>]|>>)*?(?=>(?!>))/.exec(wanted)?.[0];
  const first = at ?? wanted;
  return [first.replaceAll(">>", ">"), at === undefined ? "" : wanted.slice(at.length + 1)];
}

export class BootLoader {
  readonly #options: BootLoaderOptions;
  #shell: GrubShell | undefined;
  #highlighted = 0;
  /** Of the submenus entered: "advanced>". */
  #path = "";
  #timer: Timer | undefined;
  #state: "countdown" | "menu" | "message" | "done" = "done";

  constructor(options: BootLoaderOptions) {
    this.#options = options;
  }

  run(): void {
    const { files, print } = this.#options;
    print("\x1b[H\x1b[JGRUB loading.\nWelcome to GRUB!\n\n");
    const directory = grubDirectories.find((each) => files.read(`${each}/grub.cfg`) !== undefined);
    if (directory === undefined)
      return print(`error: file \`${grubDirectories[0]}/grub.cfg' not found.\nEntering rescue mode...\ngrub rescue> `);
    this.#shell = new GrubShell(files, directory, print);
    this.#shell.source(`${directory}/grub.cfg`);
    if (this.#shell.entries.length === 0) return print("grub> ");
    this.#highlighted = chooseEntry(this.#shell.entries, this.#shell.variables.get("default") ?? "0");
    this.#countDown(this.#shell.variables.get("timeout"));
  }

  /** Keys from the serial line: arrows or ^P/^N move, Enter boots, any key stops the countdown. */
  key(data: Uint8Array): void {
    const text = Buffer.from(data).toString("latin1");
    if (this.#state === "message") return this.#showMenu();
    if (this.#state === "done") return;
    this.#timer?.cancel();
    this.#state = "menu";
    if (includesAny(text, keys.up)) this.#highlighted = Math.max(0, this.#highlighted - 1);
    if (includesAny(text, keys.down)) this.#highlighted = Math.min((this.#shell?.entries.length ?? 1) - 1, this.#highlighted + 1);
    if (includesAny(text, keys.boot)) this.#boot();
    else this.#showMenu();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#state = "done";
  }

  /** `timeout` in seconds as the variable holds it: unset or negative waits for ever, 0 boots without showing the menu. */
  #countDown(timeout: string | undefined): void {
    const seconds = Number(timeout ?? "-1");
    if (seconds === 0) return this.#boot();
    if (!(seconds > 0)) return this.#showMenu();
    this.#drawMenu(`   The highlighted entry will be executed automatically in ${seconds}s.\n`);
    this.#state = "countdown";
    this.#timer = this.#options.time.after(seconds * 1000, () => this.#boot());
  }

  #showMenu(): void {
    this.#timer?.cancel();
    this.#state = "menu";
    this.#drawMenu("   Press enter to boot the selected OS.\n");
  }

  #drawMenu(footer: string): void {
    const lines = this.#shell?.entries.map((entry, index) => `${index === this.#highlighted ? " *" : "  "}${entry.title}\n`) ?? [];
    this.#options.print(`\n                             GNU GRUB  version 2.02\n\n${lines.join("")}\n${footer}`);
  }

  /** A path that leads on is followed at once; without one the submenu's first entry stands highlighted, and waits for somebody. */
  #enter(shell: GrubShell, submenu: MenuEntry): void {
    const [, rest] = splitPath(shell.variables.get("default") ?? "");
    const isFollowed = this.#state !== "menu" && rest !== "";
    this.#path += `${submenu.id}>`;
    shell.variables.set("default", rest);
    shell.enter(submenu);
    this.#highlighted = chooseEntry(shell.entries, rest);
    if (shell.entries.length === 0) return this.#showMenu();
    if (isFollowed) this.#boot();
    else this.#showMenu();
  }

  #boot(): void {
    const shell = this.#shell;
    const entry = shell?.entries[this.#highlighted];
    if (shell === undefined || entry === undefined) return;
    if (entry.kind === "submenu") return this.#enter(shell, entry);
    this.#options.print(`\n  Booting \`${entry.title}'\n\n`);
    shell.failed = false;
    shell.loaded = undefined;
    shell.variables.set("chosen", this.#path + entry.id);
    shell.run(entry.body);
    if (shell.loaded !== undefined && !shell.failed) {
      this.stop();
      return this.#options.start(shell.loaded);
    }
    this.#options.print("\nPress any key to continue...");
    this.#state = "message";
    this.#timer = this.#options.time.after(messagePauseMs, () => this.#showMenu());
  }
}

function includesAny(text: string, sequences: readonly string[]): boolean {
  return sequences.some((sequence) => text.includes(sequence));
}
