/** lab boot: what a node's boot loader offers, and what it starts next. */
import type { BootEntries } from "../../../proto/gen/lab/v1/boot.js";
import { type Context, show, withLab } from "../context.js";
import { table } from "../terminal.js";

export async function listBoot(context: Context, node: string): Promise<void> {
  const menu = await withLab(context, (lab) => lab.boot.listEntries({ node }, { signal: context.signal }));
  show(context, menu, menuLines);
}

export async function bootOnce(context: Context, node: string, id: string): Promise<void> {
  const menu = await withLab(context, (lab) => lab.boot.bootOnce({ node, id, fence: undefined }, { signal: context.signal }));
  show(context, menu, () => [
    id === ""
      ? `${node} boots its default, ${menu.defaultEntry}`
      : `${node} boots ${id} next, once; then ${menu.defaultEntry || "its first entry"} again`,
  ]);
}

function menuLines(menu: BootEntries): string[] {
  const marks = (id: string, title: string) => {
    const is = (chosen: string) => chosen !== "" && (chosen === id || chosen === title);
    return [is(menu.defaultEntry) ? "default" : "", is(menu.nextEntry) ? "next boot only" : ""].filter((each) => each !== "").join(", ");
  };
  const rows = menu.entries.map((entry) => [
    entry.id,
    entry.linux16 ? "linux16" : "linux",
    entry.kernel,
    marks(entry.id, entry.title),
    entry.arguments,
  ]);
  return table([["ID", "LOADER", "KERNEL", "BOOTS", "ARGUMENTS"], ...rows]);
}
