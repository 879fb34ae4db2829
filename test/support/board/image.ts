/** Kernel, initramfs and disk of the board, made from Debian packages and kept, keyed by their versions, for the next run. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, cp, lstat, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { cpioArchive, file, folder } from "./cpio.js";
import { boardPackages, type Package } from "./packages.js";
import { outputOf } from "./program.js";
import { boardUser, busyboxPrograms, executableFiles, initScript, modules, startScript, systemFiles } from "./startup.js";

export interface BoardImage {
  readonly kernel: string;
  readonly initramfs: string;
  /** An ext4 file system; to be opened with `snapshot=on`, never written. */
  readonly disk: string;
}

/** Grows with this file: an image made otherwise is another image. */
const edition = 1;
/** Sparse: room for checkpoints beside the 100 MB of programs. */
const diskBytes = 768 * 1024 * 1024;
/** Half of what is unpacked, and nothing the board reads. */
const unneeded = ["boot", "lib/modules", "usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "usr/share/lintian"];

/** The image, from the cache or made from nothing (half a minute). Safe when two processes make it at once: the first one wins. */
export async function boardImage(say: (text: string) => void = () => {}): Promise<BoardImage> {
  const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "labd", "board");
  await mkdir(cache, { recursive: true });
  const packages = await boardPackages(join(cache, "apt"), say);
  const name = `image-${keyOf(packages)}`;
  const directory = join(cache, name);
  if (!existsSync(directory)) {
    const work = await mkdtemp(join(cache, "making-"));
    try {
      await makeImage(work, packages, say);
      await rename(work, directory).catch((cause: unknown) => {
        if (!existsSync(directory)) throw cause;
      });
      await removeOthers(cache, name);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }
  return imageIn(directory);
}

function imageIn(directory: string): BoardImage {
  return { kernel: join(directory, "kernel"), initramfs: join(directory, "initramfs"), disk: join(directory, "disk") };
}

function keyOf(packages: readonly Package[]): string {
  const parts = { edition, initScript, startScript, systemFiles, modules, busyboxPrograms, unneeded, diskBytes };
  const hash = createHash("sha256").update(JSON.stringify(parts));
  for (const { file: name } of [...packages].sort((a, b) => (a.file < b.file ? -1 : 1))) hash.update(`${name}\n`);
  return hash.digest("hex").slice(0, 16);
}

/** Images of older package versions; one that a machine still runs from lives on until that machine ends. */
async function removeOthers(cache: string, name: string): Promise<void> {
  const others = (await readdir(cache)).filter((each) => each.startsWith("image-") && each !== name);
  await Promise.all(others.map((each) => rm(join(cache, each), { recursive: true, force: true })));
}

async function makeImage(directory: string, packages: readonly Package[], say: (text: string) => void): Promise<void> {
  say(`making the board's disk of ${packages.length} packages`);
  const tree = join(directory, "tree");
  await mkdir(tree);
  for (const { path } of packages) await outputOf(["dpkg-deb", "-x", path, tree]);
  const image = imageIn(directory);
  await cp(await only(join(tree, "boot"), /^vmlinuz-/), image.kernel);
  await writeFile(image.initramfs, await initramfs(tree));
  for (const path of unneeded) await rm(join(tree, path), { recursive: true, force: true });
  for (const each of (await readdir(join(tree, "usr/lib"))).filter((entry) => entry.startsWith("linux-image-")))
    await rm(join(tree, "usr/lib", each), { recursive: true });
  await furnish(tree);
  await writeFile(image.disk, "");
  await truncate(image.disk, diskBytes);
  await outputOf(["/usr/sbin/mkfs.ext4", "-q", "-F", "-E", "root_owner=0:0", "-O", "^metadata_csum,^has_journal", "-d", tree, image.disk]);
  await rm(tree, { recursive: true });
}

/** Busybox, the modules between the kernel and its disk and network, and /init. */
async function initramfs(tree: string): Promise<Buffer> {
  const kernels = join(tree, "lib/modules");
  const entries = await readdir(kernels, { recursive: true });
  const loaded = await Promise.all(
    modules.map(async (name) => {
      const path = entries.find((entry) => entry.endsWith(`/${name}.ko`));
      if (path === undefined) throw new Error(`board: the kernel package has no module ${name}.ko`);
      return file(`lib/${name}.ko`, await readFile(join(kernels, path)));
    }),
  );
  const folders = ["bin", "lib", "proc", "sys", "dev", "disk", "run-files"].map((path) => folder(path));
  const busybox = file("bin/busybox", await readFile(join(tree, "bin/busybox")), 0o755);
  return cpioArchive([...folders, busybox, ...loaded, file("init", initScript, 0o755)]);
}

/** What packages would have set up when configured: accounts, mount points, the shell, links to programs. */
async function furnish(tree: string): Promise<void> {
  for (const path of ["proc", "sys", "dev", "run", "tmp", "root", "etc/ssh/keys", "var/empty", "usr/local/bin", `home/${boardUser}`])
    await mkdir(join(tree, path), { recursive: true });
  for (const [path, content] of Object.entries(systemFiles)) {
    await mkdir(dirname(join(tree, path)), { recursive: true });
    await writeFile(join(tree, path), content);
  }
  for (const path of executableFiles) await chmod(join(tree, path), 0o755);
  if (!(await exists(join(tree, "bin/sh")))) await symlink("dash", join(tree, "bin/sh"));
  for (const name of busyboxPrograms) {
    const present = await Promise.all(["bin", "sbin", "usr/bin", "usr/sbin"].map((path) => exists(join(tree, path, name))));
    if (!present.includes(true)) await symlink("/bin/busybox", join(tree, "bin", name));
  }
}

async function exists(path: string): Promise<boolean> {
  return await lstat(path).then(
    () => true,
    () => false,
  );
}

async function only(directory: string, pattern: RegExp): Promise<string> {
  const [found, ...more] = (await readdir(directory)).filter((entry) => pattern.test(entry));
  if (found === undefined || more.length > 0) throw new Error(`board: expected one ${pattern.source} in ${directory}`);
  return join(directory, found);
}
