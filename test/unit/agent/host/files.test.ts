import { execFileSync } from "node:child_process";
import { chmod, mkdir, open, readFile, readdir, readlink, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import t, { type Test } from "tap";
import { HostFiles } from "../../../../agent/host/files/files.js";
import { RootDirectory } from "../../../../agent/host/root-directory.js";
import { systemClock } from "../../../../proto/base/clock.js";
import { FakeClock } from "../../../support/fake-clock.js";
import { chunks, filesContract, sha256, text } from "../../../support/host/files-contract.js";
import { scratchDirectory } from "../../../support/host/scratch.js";

async function filesBelow(t: Test, clock = systemClock) {
  const root = await scratchDirectory(t);
  return { root, files: new HostFiles({ root: new RootDirectory(root), clock }) };
}

t.test("as every Files", (t) => filesContract(t, async () => new HostFiles({ root: new RootDirectory("/"), clock: systemClock })));

t.test("a file is written whole, with missing directories, and tells its digest", async (t) => {
  const { root, files } = await filesBelow(t);
  const info = await files.write("/etc/lab/config", chunks("one ", "two"), { mode: 0o600, sha256: sha256("one two") });
  t.match(info, { kind: "file", sizeBytes: 7, mode: 0o600, sha256: sha256("one two") });
  t.equal(await readFile(join(root, "etc/lab/config"), "utf8"), "one two");
  t.match(await files.stat("/etc/lab/config", { wantSha256: true }), { sha256: sha256("one two") });
  t.equal((await files.stat("/etc/lab/config"))?.sha256, undefined);
  t.match(await files.stat("/etc/lab"), { kind: "directory" });
  t.equal(await files.stat("/etc/lab/config/below"), undefined);
});

t.test("replacing keeps mode and owner, follows a link to its target, and leaves nothing else behind", async (t) => {
  const { root, files } = await filesBelow(t);
  await mkdir(join(root, "d"));
  await writeFile(join(root, "d/real"), "old");
  await chmod(join(root, "d/real"), 0o751);
  await symlink("/d/real", join(root, "link"));
  const info = await files.write("/link", chunks("new"), { mode: 0o600 });
  t.equal(info.mode, 0o751);
  t.equal(await readFile(join(root, "d/real"), "utf8"), "new");
  t.equal(await readlink(join(root, "link")), "/d/real");
  t.same(await readdir(join(root, "d")), ["real"]);
});

t.test("a range is read, and an absent file is an error that names it", async (t) => {
  const { files } = await filesBelow(t);
  await files.write("/f", chunks("0123456789"));
  t.equal(await text(files.read("/f")), "0123456789");
  t.equal(await text(files.read("/f", { offset: 3, limit: 4 })), "3456");
  t.equal(await text(files.read("/f", { offset: 50 })), "");
  await t.rejects(text(files.read("/absent")), { code: "not-found", message: /^\/absent: read: / });
  await t.rejects(text(files.read("/")), { code: "invalid-argument" });
});

t.test("a file that says size 0, as those of /proc do, is read to its end", async (t) => {
  const files = new HostFiles({ root: new RootDirectory("/"), clock: systemClock });
  t.match(await text(files.read("/proc/self/status")), /^Name:/);
});

t.test("nothing outside the root is reached, by dots or by links", async (t) => {
  const { root, files } = await filesBelow(t);
  await mkdir(join(root, "d"));
  await symlink("../../../../../../etc/passwd", join(root, "d/relative"));
  await symlink("/etc/passwd", join(root, "absolute"));
  await symlink("loop", join(root, "loop"));
  await t.rejects(text(files.read("/../etc/passwd")), { code: "permission" });
  await t.rejects(text(files.read("/d/relative")), { code: "permission" });
  await t.rejects(files.write("/d/../../x", chunks("x")), { code: "permission" });
  await t.rejects(text(files.read("/absolute")), { code: "not-found" }, "an absolute link begins at the machine's root");
  await t.rejects(text(files.read("/loop")), { code: "invalid-argument" });
  await t.rejects(files.stat("relative"), { code: "invalid-argument" });
  t.match(await files.stat("/absolute"), { kind: "link" });
});

t.test("removing a link leaves its target, and a directory goes only when asked", async (t) => {
  const { root, files } = await filesBelow(t);
  await mkdir(join(root, "d"));
  await writeFile(join(root, "d/f"), "");
  await symlink("d", join(root, "link"));
  t.equal(await files.remove("/link", { recursive: true }), true);
  t.same(await files.list("/d"), ["f"]);
  await t.rejects(files.remove("/d"), { code: "invalid-argument", message: /recursive/ });
  t.equal(await files.remove("/d", { recursive: true }), true);
  t.equal(await files.remove("/d", { recursive: true }), false);
  await t.rejects(files.remove("/", { recursive: true }), { code: "permission" });
  await t.rejects(files.list("/d"), { code: "not-found" });
});

t.test("writing in place reaches a FIFO's reader and creates nothing", async (t) => {
  const { root, files } = await filesBelow(t);
  await t.rejects(files.write("/ttyS1", chunks("x"), { inPlace: true }), { code: "not-found" });
  execFileSync("mkfifo", [join(root, "ttyS1")]);
  const reader = await open(join(root, "ttyS1"), "r+");
  t.teardown(() => reader.close());
  t.match(await files.write("/ttyS1", chunks("mark", "er"), { inPlace: true }), { kind: "other" });
  const { buffer, bytesRead } = await reader.read(Buffer.alloc(100));
  t.equal(buffer.subarray(0, bytesRead).toString(), "marker");
});

t.test("a FIFO nobody reads and a device that takes nothing end in a deadline that says so", async (t) => {
  const clock = new FakeClock();
  const { root, files } = await filesBelow(t, clock);
  execFileSync("mkfifo", [join(root, "fifo")]);
  const fail = async (contents: string) => {
    let settled = false;
    const writing = files.write("/fifo", chunks(contents), { inPlace: true }).then(
      () => t.fail("must not succeed"),
      (error: unknown) => error,
    );
    void writing.finally(() => {
      settled = true;
    });
    while (!settled) await clock.advance(1000);
    return writing;
  };
  t.match(await fail("x"), { code: "deadline", awaited: "a reader at the other end" });
  const stuck = await open(join(root, "fifo"), "r+");
  t.teardown(() => stuck.close());
  t.match(await fail("x".repeat(200_000)), { code: "deadline", awaited: /it took \d+ of 200000/ });
});

t.test("a full disk is told with the path and what is free, and leaves the old contents", async (t) => {
  const { root, files } = await filesBelow(t);
  await mkdir(join(root, "small"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", join(root, "small")], { stdio: "ignore" });
  } catch {
    t.pass("the disk fills up", { skip: "mounting a small file system is not allowed here" });
    return;
  }
  t.teardown(() => execFileSync("umount", [join(root, "small")]));
  await files.write("/small/image", chunks("old"));
  await t.rejects(
    files.write(
      "/small/image",
      chunks(
        ..."x"
          .repeat(50)
          .split("")
          .map((each) => each.repeat(4096)),
      ),
    ),
    {
      code: "exhausted",
      message: /^\/small\/image: write: the disk is full, \d+ bytes free/,
    },
  );
  t.equal(await readFile(join(root, "small/image"), "utf8"), "old");
  t.same(await readdir(join(root, "small")), ["image"]);
  t.ok((await stat(join(root, "small/image"))).isFile());
});

t.test("on a real machine, whose root is /, a link is followed to its target as well, and stays a link", async (t) => {
  const directory = await scratchDirectory(t);
  const files = new HostFiles({ root: new RootDirectory("/"), clock: systemClock });
  await mkdir(join(directory, "efi"));
  await writeFile(join(directory, "efi/grubenv"), "old");
  await symlink("efi/grubenv", join(directory, "grubenv"));
  await files.write(join(directory, "grubenv"), chunks("new"));
  t.equal(await readlink(join(directory, "grubenv")), "efi/grubenv");
  t.equal(await readFile(join(directory, "efi/grubenv"), "utf8"), "new");
  t.equal(await files.remove(join(directory, "grubenv")), true);
  t.equal(await readFile(join(directory, "efi/grubenv"), "utf8"), "new", "what is removed is the link");
  await files.write(join(directory, "new/file"), chunks("there"));
  t.equal(await readFile(join(directory, "new/file"), "utf8"), "there");
});
