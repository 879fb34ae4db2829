/** What the boot loader of this machine starts. The default is never changed here; a choice is for the next boot only. */

export interface BootEntry {
  /** Menu id (`--id`); entries without one get their title. */
  readonly id: string;
  readonly title: string;
  /** Path as the boot loader sees it. */
  readonly kernel: string;
  /** "" = none. */
  readonly initrd: string;
  /** What the kernel is to see, unquoted: "memmap=2G$4G". */
  readonly arguments: string;
  /** Load by the 16-bit protocol. LegoOS kernels start no other way (facts: LegoOS §5). */
  readonly linux16: boolean;
  /** Made by putEntry. */
  readonly managed: boolean;
}

export interface BootMenu {
  readonly entries: readonly BootEntry[];
  /** Id or title; "" = the first. */
  readonly defaultEntry: string;
  /** Id or title chosen for the next boot only; "" = none. */
  readonly nextEntry: string;
}

export interface BootLoader {
  menu(): Promise<BootMenu>;
  /** Adds or replaces the entry with this id; every other entry stays byte for byte. */
  putEntry(entry: Omit<BootEntry, "managed">): Promise<BootMenu>;
  /** Succeeds when it is not there. Throws PermissionError for an entry putEntry did not make. */
  removeEntry(id: string): Promise<BootMenu>;
  /** Chooses for the next boot only; "" takes the choice back. Throws NotFoundError with the ids there are. */
  bootOnce(id: string): Promise<BootMenu>;
}
