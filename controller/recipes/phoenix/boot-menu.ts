/** What Ubuntu's boot menu says, judged. Its first entry is always the newest kernel, and 5.15.94+ is newer than any 5.15.0-x. */
import type { BootMenuSeen, Json, Outputs, Verdict } from "../../deploy/recipe.js";
import type { Before } from "./before.js";
import { phoenixRelease } from "./design.js";
import { failed } from "./verdict.js";

type Entry = BootMenuSeen["entries"][number];

/** The entry that boots when nothing else is chosen: by id, title or position. */
export function defaultEntry({ defaultEntry: wanted, entries }: BootMenuSeen): Entry | undefined {
  const named = entries.find((entry) => entry.id === wanted || entry.title === wanted);
  if (named !== undefined || wanted === "") return named ?? entries[0];
  return /^\d+$/.test(wanted) ? entries[Number(wanted)] : undefined;
}

/** A kernel's own entry: not the one that boots whichever is newest, and not its recovery mode. */
export function kernelEntry({ entries }: BootMenuSeen, release: string): Entry | undefined {
  const own = entries.filter(
    (entry) => entry.kernel.endsWith(`/vmlinuz-${release}`) && !/\brecovery\b/.test(`${entry.arguments} ${entry.id}`),
  );
  return own.find((entry) => entry.id.includes(release));
}

/** A power cycle must lead back: the default boots the kernel that runs, whose own entry can be named. Puts out both. */
export function judgeWayBack(menu: BootMenuSeen, seen: Outputs[string]): Verdict {
  const { kernelRelease: release, resuming } = seen;
  if (typeof release !== "string") return failed("what runs is not known");
  if (release === phoenixRelease)
    return resuming === true
      ? { ok: true, lines: [`${phoenixRelease} runs already`] }
      : failed(`${phoenixRelease} runs already, and labd has not put it there: boot another kernel`);
  const wanted = defaultEntry(menu);
  if (wanted === undefined) return failed(`the default entry "${menu.defaultEntry}" is not in the boot menu`);
  if (!wanted.kernel.endsWith(`/vmlinuz-${release}`))
    return failed(
      `${release} runs, but the default entry boots ${wanted.kernel}: reboot first, so that a power cycle leads back to what is known`,
    );
  const own = kernelEntry(menu, release);
  if (own === undefined) return failed(`${release} has no entry of its own in the boot menu, so it cannot be pinned: run update-grub`);
  if (resuming !== true && kernelEntry(menu, phoenixRelease) !== undefined)
    return failed(
      `a kernel ${phoenixRelease} is installed that labd has not put there: remove it (dpkg --purge linux-image-${phoenixRelease})`,
    );
  return {
    ok: true,
    lines: [`default: ${wanted.title} (${wanted.kernel})`, `pinned by: ${own.id}`],
    outputs: { release, entry: own.id, defaultEntry: menu.defaultEntry },
  };
}

/** The default is the entry meant, and boots the kernel meant. */
export function judgeDefault(menu: BootMenuSeen, wanted: { entry: string; release: string }): Verdict {
  const entry = defaultEntry(menu);
  if (entry?.id === wanted.entry && entry.kernel.endsWith(`/vmlinuz-${wanted.release}`))
    return { ok: true, lines: [`default: ${entry.id} (${entry.kernel})`] };
  const found = entry === undefined ? `"${menu.defaultEntry}", which is not in the menu` : `${entry.id} (${entry.kernel})`;
  return failed(`the default entry is ${found}, wanted ${wanted.entry} (${wanted.release})`);
}

/** After the packages: the default is what it was, and the new kernel has an entry of its own. Puts it out as `newEntry`. */
export function judgeInstalled(menu: BootMenuSeen, before: Before): Verdict {
  const pinned = judgeDefault(menu, before);
  if (!pinned.ok) return failed(`${pinned.reason}: the new kernel would be booted by every power cycle`);
  const entry = kernelEntry(menu, phoenixRelease);
  if (entry === undefined) return failed(`the boot menu has no entry for ${phoenixRelease}`);
  return { ok: true, lines: [...(pinned.lines ?? []), `new: ${entry.id} (${entry.kernel})`], outputs: { newEntry: entry.id } };
}

/** Once in the new kernel, nothing must lead there again by itself. */
export function judgeChoiceSpent(menu: BootMenuSeen, before: Before): Verdict {
  if (menu.nextEntry !== "") return failed(`the choice for one boot has stayed ("${menu.nextEntry}"): GRUB cannot write its environment`);
  return judgeDefault(menu, before);
}

/** The way it was: the old default, no entry of ours, nothing chosen. */
export function judgeRestored(menu: BootMenuSeen, before: Before | undefined): Verdict {
  if (menu.nextEntry !== "") return failed(`the next boot is "${menu.nextEntry}"`);
  const left = menu.entries.find((entry) => entry.kernel.endsWith(`/vmlinuz-${phoenixRelease}`));
  if (left !== undefined) return failed(`entry ${left.id} still boots ${phoenixRelease}`);
  const wanted: Json | undefined = before?.defaultEntry;
  if (wanted !== undefined && menu.defaultEntry !== wanted)
    return failed(`the default entry is "${menu.defaultEntry}", it was "${wanted}" before`);
  return { ok: true, lines: [`default: ${defaultEntry(menu)?.id ?? menu.defaultEntry}`] };
}
