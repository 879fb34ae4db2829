/** Reading a boot menu: which entry is the default, and is it Linux. */
import type { BootMenuSeen, Verdict } from "../../deploy/recipe.js";

type Entry = BootMenuSeen["entries"][number];

/** The entry that boots when nothing else is chosen: by id, title or position, as GRUB takes its default. */
export function defaultEntry(menu: BootMenuSeen): Entry | undefined {
  const { defaultEntry: wanted, entries } = menu;
  const named = entries.find((entry) => entry.id === wanted || entry.title === wanted);
  if (named !== undefined || wanted === "") return named ?? entries[0];
  return /^\d+$/.test(wanted) ? entries[Number(wanted)] : undefined;
}

/**
 * The default must be Linux, or a power cycle does not lead back. Puts out its kernel, and the directory the boot loader finds
 * kernels in ("/boot/", or "/" where /boot is a partition of its own).
 */
export function judgeDefaultIsLinux(menu: BootMenuSeen): Verdict {
  const entry = defaultEntry(menu);
  if (entry === undefined) return { ok: false, final: true, reason: `the default entry "${menu.defaultEntry}" is not in the boot menu` };
  if (/lego/i.test(entry.kernel) || /lego/i.test(entry.title))
    return {
      ok: false,
      final: true,
      reason: `the default entry "${entry.title}" is LegoOS: a power cycle would not lead back to Linux; choose a Linux entry (grub2-set-default)`,
    };
  return {
    ok: true,
    lines: [`default: ${entry.title} (${entry.kernel})`],
    outputs: { defaultKernel: entry.kernel, kernelDirectory: entry.kernel.slice(0, entry.kernel.lastIndexOf("/") + 1) },
  };
}

/** Our entry stands as planned and is next, once; the default is what it was: make install may have changed it. */
export function judgeArmed(menu: BootMenuSeen, planned: { id: string; kernel: string; arguments: string; defaultKernel: string }): Verdict {
  const entry = menu.entries.find((each) => each.id === planned.id);
  const wrong: string[] = [];
  if (entry === undefined) wrong.push(`there is no entry ${planned.id}`);
  else {
    if (entry.kernel !== planned.kernel) wrong.push(`entry ${entry.id} boots ${entry.kernel}, planned ${planned.kernel}`);
    if (entry.arguments !== planned.arguments)
      wrong.push(`entry ${entry.id} has arguments "${entry.arguments}", planned "${planned.arguments}"`);
    if (!entry.linux16) wrong.push(`entry ${entry.id} does not use linux16, without which LegoOS does not start`);
  }
  if (menu.nextEntry !== planned.id) wrong.push(`next boot is "${menu.nextEntry}", planned ${planned.id}`);
  const defaultKernel = defaultEntry(menu)?.kernel;
  if (defaultKernel !== planned.defaultKernel)
    wrong.push(`the default has become ${defaultKernel ?? "an entry that is not there"}, it was ${planned.defaultKernel}`);
  if (wrong.length > 0) return { ok: false, final: true, reason: wrong.join("; ") };
  return { ok: true, lines: [`next boot: ${planned.id} (${planned.kernel} ${planned.arguments}), default: ${planned.defaultKernel}`] };
}
