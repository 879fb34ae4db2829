/**
 * custom.cfg with our entries between marker comments. Everything else in it stays byte for byte: texts are latin-1 views of its bytes.
 *
 * ```
 * # labd: entry lego-p (made by lab-agent; changes here are lost)
 * menuentry 'LegoOS processor' --id lego-p {
 * 	linux16 /boot/vmlinuz-4.0.0-lego-P memmap=2G\$4G
 * }
 * # labd: end lego-p
 * ```
 */
import type { BootEntry } from "../../ports/boot.js";
import { quoteCommandLine, quoteWord } from "./grub-script.js";

/** With an entry in the place of the one that has its id, or at the end. */
export function putManaged(config: string, entry: Omit<BootEntry, "managed">): string {
  const section = render(entry);
  const found = find(config, entry.id);
  if (found !== undefined) return config.slice(0, found.begin) + section + config.slice(found.end);
  return config + (config === "" || config.endsWith("\n") ? "" : "\n") + section;
}

/** Without the entry that has this id; the same when there is none. */
export function removeManaged(config: string, id: string): string {
  const found = find(config, id);
  return found === undefined ? config : config.slice(0, found.begin) + config.slice(found.end);
}

/** Ids of the entries between markers. */
export function managedIds(config: string): ReadonlySet<string> {
  return new Set(
    [...config.matchAll(/^# labd: entry (\S+) .*$/gm)].map((match) => match[1] ?? "").filter((id) => find(config, id) !== undefined),
  );
}

/** Positions of an entry with its markers, end exclusive. Without an end marker somebody edited it: then it is not ours any more. */
function find(config: string, id: string): { begin: number; end: number } | undefined {
  const lines = /^.*(?:\n|$)/gm;
  let begin: number | undefined;
  for (let match = lines.exec(config); match !== null && match[0] !== ""; match = lines.exec(config)) {
    if (match[0].startsWith(`# labd: entry ${id} `)) begin = match.index;
    else if (begin !== undefined && match[0].trimEnd() === `# labd: end ${id}`) return { begin, end: match.index + match[0].length };
  }
  return undefined;
}

function render(entry: Omit<BootEntry, "managed">): string {
  const suffix = entry.linux16 ? "16" : "";
  const kernel = `\tlinux${suffix} ${quoteWord(entry.kernel)} ${quoteCommandLine(entry.arguments)}`.trimEnd();
  const lines = [
    `# labd: entry ${entry.id} (made by lab-agent; changes here are lost)`,
    `menuentry ${quoteWord(entry.title)} --id ${quoteWord(entry.id)} {`,
    kernel,
    ...(entry.initrd === "" ? [] : [`\tinitrd${suffix} ${quoteWord(entry.initrd)}`]),
    "}",
    `# labd: end ${entry.id}`,
  ];
  return Buffer.from(`${lines.join("\n")}\n`, "utf8").toString("latin1");
}
