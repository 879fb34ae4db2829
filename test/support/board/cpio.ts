/** A cpio archive in "newc" form, which the kernel unpacks as initramfs; several may follow each other (kernel: buffer-format.rst). */

export interface ArchiveEntry {
  /** Relative path, no leading slash; folders come before what is in them. */
  readonly path: string;
  /** Type and permission bits, as stat's st_mode. */
  readonly mode: number;
  /** Empty for a folder. */
  readonly content: Uint8Array;
}

export const folder = (path: string, permissions = 0o755): ArchiveEntry => ({
  path,
  mode: 0o040000 | permissions,
  content: new Uint8Array(),
});

export const file = (path: string, content: string | Uint8Array, permissions = 0o644): ArchiveEntry => ({
  path,
  mode: 0o100000 | permissions,
  content: typeof content === "string" ? Buffer.from(content) : content,
});

/** All entries belong to root and have time 0: the same entries give the same bytes. */
export function cpioArchive(entries: readonly ArchiveEntry[]): Buffer {
  const trailer: ArchiveEntry = { path: "TRAILER!!!", mode: 0, content: new Uint8Array() };
  return Buffer.concat([...entries, trailer].flatMap((entry, index) => packed(entry, index + 1)));
}

/** Header, name and content, the last two padded to 4 bytes. */
function packed({ path, mode, content }: ArchiveEntry, inode: number): Buffer[] {
  const name = Buffer.from(`${path}\0`);
  // Order: inode, mode, uid, gid, links, time, size, device major and minor, rdev major and minor, name length, checksum (unused).
  const fields = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length, 0];
  const header = Buffer.from(`070701${fields.map((value) => value.toString(16).padStart(8, "0")).join("")}`);
  return [header, name, padding(header.length + name.length), Buffer.from(content), padding(content.length)];
}

function padding(length: number): Buffer {
  return Buffer.alloc((4 - (length % 4)) % 4);
}
