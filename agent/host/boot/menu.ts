/** The menu that grub.cfg and custom.cfg make, read without running them. */
import type { BootEntry } from "../../ports/boot.js";
import { managedIds } from "./custom-config.js";
import { parseGrubScript, type GrubCommand } from "./grub-script.js";
import type { GrubEnvironment } from "./grubenv.js";

/** Entries in menu order; inside a submenu the id is "SUBMENU>ENTRY", as next_entry needs it. */
export function parseMenu(grubConfig: string, customConfig: string): readonly BootEntry[] {
  const managed = managedIds(customConfig);
  return [...entriesOf(parseGrubScript(grubConfig), "", new Set()), ...entriesOf(parseGrubScript(customConfig), "", managed)];
}

/** The default's id or title: saved_entry where grub.cfg asks for it, else what grub.cfg sets; "" = the first. */
export function defaultEntry(grubConfig: string, environment: GrubEnvironment): string {
  const commands = parseGrubScript(grubConfig);
  const values = commands.flatMap(({ words }) =>
    words.filter((word) => word.startsWith("default=")).map((word) => word.slice("default=".length)),
  );
  const saved = values.some((value) => /\$\{?saved_entry/.test(value)) ? environment.get("saved_entry") : undefined;
  const chosen = saved ?? values.filter((value) => !value.includes("$")).at(-1) ?? "";
  if (chosen === "" || chosen === "0") return "";
  return entryPath(commands, chosen) ?? chosen;
}

/** What a path of ids, titles and positions ("1>2") means, as ids; undefined when it leads nowhere. */
function entryPath(commands: readonly GrubCommand[], chosen: string): string | undefined {
  const [first = "", ...rest] = chosen.split(/(?<!>)>(?!>)/);
  const items = commands.flatMap((command) => menuItem(command) ?? []);
  const item = /^\d+$/.test(first) ? items[Number(first)] : items.find(({ id, title }) => id === first || title === first);
  if (item === undefined || rest.length === 0) return item?.id;
  const inner = item.kind === "submenu" ? entryPath(item.block, rest.join(">")) : undefined;
  return inner === undefined ? undefined : `${item.id}>${inner}`;
}

/** True when grub.cfg reads custom.cfg, as grub-mkconfig's 41_custom makes it. */
export function sourcesCustomConfig(grubConfig: string): boolean {
  return /^\s*(?:source|configfile|\.)\s+"?\S*custom\.cfg/m.test(grubConfig);
}

/** True when grub.cfg starts what next_entry names. */
export function honoursNextEntry(grubConfig: string): boolean {
  return /\bdefault=\s*"?\$\{?next_entry\b/.test(grubConfig);
}

interface MenuItem {
  readonly kind: "menuentry" | "submenu";
  readonly id: string;
  readonly title: string;
  readonly block: readonly GrubCommand[];
}

function entriesOf(commands: readonly GrubCommand[], prefix: string, managed: ReadonlySet<string>): BootEntry[] {
  return commands.flatMap((command) => {
    const item = menuItem(command);
    if (item === undefined) return [];
    const id = prefix + item.id;
    if (item.kind === "submenu") return entriesOf(item.block, `${id}>`, managed);
    return [{ id, title: item.title, managed: managed.has(id), ...loadedBy(item.block) }];
  });
}

function menuItem({ words, block }: GrubCommand): MenuItem | undefined {
  // "then menuentry …": the first word may be the shell's.
  const at = words.findIndex((word, index) => index < 2 && (word === "menuentry" || word === "submenu"));
  const title = words[at + 1];
  if (at < 0 || title === undefined || block === undefined) return undefined;
  return { kind: words[at] as MenuItem["kind"], id: idAmong(words) ?? title, title, block };
}

/** grub-mkconfig writes `$menuentry_id_option ID`, people `--id ID` or `--id=ID`. */
function idAmong(words: readonly string[]): string | undefined {
  const joined = words.find((word) => word.startsWith("--id="));
  if (joined !== undefined) return joined.slice("--id=".length);
  const option = words.findIndex((word) => word === "--id" || /^\$\{?menuentry_id_option\}?$/.test(word));
  return option < 0 ? undefined : words[option + 1];
}

function loadedBy(block: readonly GrubCommand[]): Pick<BootEntry, "kernel" | "initrd" | "arguments" | "linux16"> {
  const linux = block.find(({ words }) => /^linux(?:16|efi)?$/.test(words[0] ?? ""))?.words ?? [];
  const initrd = block.find(({ words }) => /^initrd(?:16|efi)?$/.test(words[0] ?? ""))?.words ?? [];
  return { kernel: linux[1] ?? "", initrd: initrd[1] ?? "", arguments: linux.slice(2).join(" "), linux16: linux[0] === "linux16" };
}
