/** What every Files does, wherever its files are. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Test } from "tap";
import type { Files } from "../../../agent/ports/files.js";
import { type Hands, localHands } from "./hands.js";

export async function* chunks(...parts: readonly string[]): AsyncIterable<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

export async function text(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts).toString();
}

export function sha256(contents: string | Uint8Array): string {
  return createHash("sha256").update(contents).digest("hex");
}

/** `open`: files whose root is "/"; everything happens in a scratch directory. `hands`: on the machine of the files. */
export async function filesContract(t: Test, open: (t: Test) => Promise<Files>, hands: Hands = localHands): Promise<void> {
  const bench = async (t: Test) => ({ files: await open(t), at: await hands.directory(t) });

  await t.test("a file is written whole, with missing directories, and tells its digest", async (t) => {
    const { files, at } = await bench(t);
    const path = join(at, "etc/lab/con'fig $x");
    const info = await files.write(path, chunks("one ", "two"), { mode: 0o600, sha256: sha256("one two") });
    t.match(info, { kind: "file", sizeBytes: 7, mode: 0o600, sha256: sha256("one two") });
    t.equal(await hands.read(path), "one two");
    t.match(await files.stat(path, { wantSha256: true }), { sha256: sha256("one two") });
    t.equal((await files.stat(path))?.sha256, undefined);
    t.match(await files.stat(join(at, "etc/lab")), { kind: "directory" });
    t.match(await files.stat("/dev/null"), { kind: "device" });
    t.equal(await files.stat(join(path, "below")), undefined);
    t.equal(await files.stat(join(at, "absent")), undefined);
    t.match(await files.write(join(at, "empty"), chunks()), { sizeBytes: 0, mode: 0o644 });
    await t.rejects(files.stat("relative"), { code: "invalid-argument" });
  });

  await t.test("megabytes of any bytes go there and come back", async (t) => {
    const { files, at } = await bench(t);
    const block = Buffer.from(Array.from({ length: 65_537 }, (_, index) => (index * 7) % 256));
    async function* blocks() {
      for (let count = 0; count < 48; count += 1) yield block;
    }
    const whole = Buffer.concat(Array.from({ length: 48 }, () => block));
    t.match(await files.write(join(at, "image"), blocks()), { sizeBytes: whole.length, sha256: sha256(whole) });
    const parts: Uint8Array[] = [];
    for await (const part of files.read(join(at, "image"))) parts.push(part);
    t.ok(Buffer.concat(parts).equals(whole));
  });

  await t.test("replacing keeps the mode, follows a link to its target, and leaves nothing else behind", async (t) => {
    const { files, at } = await bench(t);
    await hands.makeDirectory(join(at, "d"));
    await hands.write(join(at, "d/real"), "old", 0o751);
    await hands.link("d/real", join(at, "link"));
    t.match(await files.stat(join(at, "link")), { kind: "link" });
    const info = await files.write(join(at, "link"), chunks("new"), { mode: 0o600 });
    t.equal(info.mode, 0o751);
    t.equal(await hands.read(join(at, "d/real")), "new");
    t.equal(await hands.linkTarget(join(at, "link")), "d/real");
    t.same(await hands.list(join(at, "d")), ["real"]);
    await t.rejects(files.write(join(at, "d"), chunks("x")), { code: "invalid-argument", message: /write to it in place/ });
  });

  await t.test("contents that are not what their sender meant, or that break off, change nothing", async (t) => {
    const { files, at } = await bench(t);
    await hands.write(join(at, "kept"), "old");
    const garbled = files.write(join(at, "kept"), chunks("garbled"), { sha256: sha256("meant") });
    await t.rejects(garbled, { code: "failed", message: /nothing was written/ });
    async function* breaking(): AsyncIterable<Uint8Array> {
      yield Buffer.from("half");
      throw new Error("the stream broke");
    }
    await t.rejects(files.write(join(at, "kept"), breaking()), /the stream broke/);
    t.equal(await hands.read(join(at, "kept")), "old");
    t.same(await hands.list(at), ["kept"]);
  });

  await t.test("a range is read, and an absent file is an error that names it", async (t) => {
    const { files, at } = await bench(t);
    const path = join(at, "f");
    await files.write(path, chunks("0123456789"));
    t.equal(await text(files.read(path)), "0123456789");
    t.equal(await text(files.read(path, { offset: 3, limit: 4 })), "3456");
    t.equal(await text(files.read(path, { offset: 3 })), "3456789");
    t.equal(await text(files.read(path, { limit: 4 })), "0123");
    t.equal(await text(files.read(path, { offset: 50 })), "");
    await t.rejects(text(files.read(join(at, "absent"))), {
      code: "not-found",
      message: `${at}/absent: read: there is no such file or directory`,
    });
    await t.rejects(text(files.read(join(at, "absent"), { offset: 3, limit: 4 })), { code: "not-found" });
    await t.rejects(text(files.read(at)), { code: "invalid-argument" });
    t.match(await text(files.read("/proc/self/status")), /^Name:/, "a file that says size 0 is read to its end");
  });

  await t.test("removing a link leaves its target, and a directory goes only when asked", async (t) => {
    const { files, at } = await bench(t);
    const below = (name: string) => join(at, name);
    await hands.makeDirectory(below("d"));
    for (const name of ["f", ".hidden", "..odd", "b\nlank"]) await hands.write(below(`d/${name}`), "");
    await hands.link("d", below("link"));
    t.same(await files.list(below("d")), ["..odd", ".hidden", "b\nlank", "f"]);
    t.equal(await files.remove(below("link"), { recursive: true }), true);
    t.same((await files.list(below("d"))).length, 4);
    await t.rejects(files.remove(below("d")), { code: "invalid-argument", message: /recursive/ });
    t.equal(await files.remove(below("d"), { recursive: true }), true);
    t.equal(await files.remove(below("d"), { recursive: true }), false);
    await t.rejects(files.remove("/", { recursive: true }), { code: "permission" });
    await t.rejects(files.list(below("d")), { code: "not-found" });
  });

  await t.test("writing in place reaches what is there and creates nothing", async (t) => {
    const { files, at } = await bench(t);
    await t.rejects(files.write(join(at, "ttyS1"), chunks("x"), { inPlace: true }), { code: "not-found" });
    t.match(await files.write("/dev/null", chunks("mark", "er"), { inPlace: true }), { kind: "device" });
    await hands.write(join(at, "setting"), "longer than that");
    t.match(await files.write(join(at, "setting"), chunks("1\n"), { inPlace: true }), { sizeBytes: 2 });
    t.same(await hands.list(at), ["setting"]);
  });
}
