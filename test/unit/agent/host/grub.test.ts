import { mkdir, readFile, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import t, { type Test } from "tap";
import { parseGrubScript, quoteCommandLine, quoteWord } from "../../../../agent/host/boot/grub-script.js";
import { GrubBootLoader } from "../../../../agent/host/boot/grub.js";
import { GrubEnvironment } from "../../../../agent/host/boot/grubenv.js";
import { RootDirectory } from "../../../../agent/host/root-directory.js";
import { centosGrubConfig } from "../../../support/host/grub-config.js";
import { scratchDirectory } from "../../../support/host/scratch.js";

const lego = {
  id: "lego-p",
  title: "LegoOS processor",
  kernel: "/boot/vmlinuz-4.0.0-lego-P",
  initrd: "",
  arguments: "memmap=2G$4G",
  linux16: true,
};

async function grubFor(t: Test, files: Readonly<Record<string, string | Uint8Array>>) {
  const root = await scratchDirectory(t);
  const directory = join(root, "boot/grub2");
  await mkdir(directory, { recursive: true });
  for (const [name, contents] of Object.entries(files)) await writeFile(join(directory, name), contents);
  return { directory, loader: new GrubBootLoader({ root: new RootDirectory(root) }) };
}

t.test("the menu is read as GRUB would show it", async (t) => {
  const environment = GrubEnvironment.empty.with("saved_entry", "gnulinux-3.10.0").with("next_entry", "");
  const { loader } = await grubFor(t, { "grub.cfg": centosGrubConfig, grubenv: environment.encode() });
  t.same(await loader.menu(), {
    defaultEntry: "gnulinux-3.10.0",
    nextEntry: "",
    entries: [
      {
        id: "gnulinux-3.10.0",
        title: "CentOS Linux (3.10.0-327.el7.x86_64) 7 (Core)",
        kernel: "/vmlinuz-3.10.0-327.el7.x86_64",
        initrd: "/initramfs-3.10.0-327.el7.x86_64.img",
        arguments: "root=/dev/mapper/centos-root ro rhgb quiet LANG=en_US.UTF-8",
        linux16: true,
        managed: false,
      },
      {
        id: 'Advanced "options">rescue',
        title: "It's rescue",
        kernel: "/vmlinuz-rescue",
        initrd: "/initrd-rescue",
        arguments: "single",
        linux16: false,
        managed: false,
      },
    ],
  });
});

t.test("a default given by number is told by its id", async (t) => {
  const config = "set default=\"1\"\nmenuentry 'A' --id a { linux /a }\nmenuentry 'B' --id b { linux /b }\n";
  const { loader } = await grubFor(t, { "grub.cfg": config });
  t.equal((await loader.menu()).defaultEntry, "b");
});

t.test("an entry is put into custom.cfg as GRUB needs it, and every other byte stays", async (t) => {
  const mine = Buffer.concat([
    Buffer.from("# mine, latin-1: "),
    Buffer.from([0xe4, 0xff]),
    Buffer.from("\nmenuentry 'Mine' { linux /mine }"),
  ]);
  const { loader, directory } = await grubFor(t, { "grub.cfg": centosGrubConfig, "custom.cfg": mine });
  const menu = await loader.putEntry(lego);
  t.match(menu.entries.at(-1), { ...lego, managed: true });
  const written = await readFile(join(directory, "custom.cfg"));
  t.same(written.subarray(0, mine.length), mine);
  t.equal(
    written.subarray(mine.length).toString(),
    [
      "",
      "# labd: entry lego-p (made by lab-agent; changes here are lost)",
      "menuentry 'LegoOS processor' --id lego-p {",
      "\tlinux16 /boot/vmlinuz-4.0.0-lego-P memmap=2G\\$4G",
      "}",
      "# labd: end lego-p",
      "",
    ].join("\n"),
  );
  await loader.putEntry({ ...lego, id: "other", title: "Größe 'x'", initrd: "/boot/i r d" });
  const replaced = await loader.putEntry({ ...lego, arguments: "memmap=1G$4G" });
  t.same(
    replaced.entries.slice(-3).map(({ id, title, arguments: commandLine, initrd }) => ({ id, title, commandLine, initrd })),
    [
      { id: "Mine", title: "Mine", commandLine: "", initrd: "" },
      { id: "lego-p", title: "LegoOS processor", commandLine: "memmap=1G$4G", initrd: "" },
      { id: "other", title: "Größe 'x'", commandLine: "memmap=2G$4G", initrd: "/boot/i r d" },
    ],
    "replaced in its place",
  );
  await loader.removeEntry("lego-p");
  await loader.removeEntry("other");
  await loader.removeEntry("other");
  t.same(await readFile(join(directory, "custom.cfg")), Buffer.concat([mine, Buffer.from("\n")]));
  t.same((await readdir(directory)).sort(), ["custom.cfg", "grub.cfg"], "no temporary file is left");
});

t.test("an entry is chosen for the next boot only, and the choice taken back", async (t) => {
  const environment = GrubEnvironment.empty.with("saved_entry", "gnulinux-3.10.0").with("kept", "1");
  const { loader, directory } = await grubFor(t, { "grub.cfg": centosGrubConfig, grubenv: environment.encode() });
  await loader.putEntry(lego);
  t.match(await loader.bootOnce("lego-p"), { nextEntry: "lego-p", defaultEntry: "gnulinux-3.10.0" });
  t.same(new Uint8Array(await readFile(join(directory, "grubenv"))), new Uint8Array(environment.with("next_entry", "lego-p").encode()));
  t.match(await loader.bootOnce(""), { nextEntry: "" });
  await loader.bootOnce("lego-p");
  t.match(await loader.removeEntry("lego-p"), { nextEntry: "" }, "a choice of an entry that goes is taken back");
});

t.test("an environment block that is missing is made", async (t) => {
  const { loader, directory } = await grubFor(t, { "grub.cfg": centosGrubConfig });
  await loader.bootOnce("gnulinux-3.10.0");
  t.equal((await stat(join(directory, "grubenv"))).size, 1024);
});

t.test("what GRUB would not do is refused with the reason", async (t) => {
  const { loader } = await grubFor(t, { "grub.cfg": centosGrubConfig });
  await t.rejects(loader.bootOnce("lego-x"), { code: "not-found", message: /entries: gnulinux-3\.10\.0, / });
  await t.rejects(loader.putEntry({ ...lego, id: "gnulinux-3.10.0" }), { code: "permission" });
  await t.rejects(loader.removeEntry("gnulinux-3.10.0"), { code: "permission" });
  await t.rejects(loader.putEntry({ ...lego, id: "a b" }), { code: "invalid-argument" });
  await t.rejects(loader.putEntry({ ...lego, kernel: "vmlinuz" }), { code: "invalid-argument" });
  await t.rejects(loader.putEntry({ ...lego, arguments: 'init="/bin/sh -x"' }), { code: "invalid-argument" });
  const bare = await grubFor(t, { "grub.cfg": "menuentry 'A' --id a { linux /a }\n" });
  await t.rejects(bare.loader.putEntry(lego), { code: "unsupported", message: /does not read custom\.cfg/ });
  await t.rejects(bare.loader.bootOnce("a"), { code: "unsupported", message: /next_entry/ });
  const none = new GrubBootLoader({ root: new RootDirectory(await scratchDirectory(t)) });
  await t.rejects(none.menu(), {
    code: "not-found",
    message: "boot loader: no grub.cfg in /boot/grub2 or /boot/grub; name its directory in the agent's configuration",
  });
});

t.test("edits made at once all take place", async (t) => {
  const { loader } = await grubFor(t, { "grub.cfg": centosGrubConfig });
  await Promise.all(["a", "b", "c"].map((id) => loader.putEntry({ ...lego, id })));
  t.same(
    (await loader.menu()).entries.filter((entry) => entry.managed).map((entry) => entry.id),
    ["a", "b", "c"],
  );
});

t.test("words and command lines come back from GRUB as they went in", async (t) => {
  for (const text of ["plain", "it's", 'a "b"', "$x;{}", "back\\slash", "ünï"])
    t.same(parseGrubScript(`x ${quoteWord(text)}`)[0]?.words, ["x", text]);
  for (const line of ["memmap=2G$4G ro", "a;b|c&d", "x={1}#2", "console=ttyS1,115200n8"]) {
    t.equal(
      parseGrubScript(`linux16 /k ${quoteCommandLine(line)}`)[0]
        ?.words.slice(2)
        .join(" "),
      line,
    );
  }
  t.throws(() => quoteWord("a\nb"), { code: "invalid-argument" });
});

t.test("a broken script yields what can be read of it", async (t) => {
  for (const script of ["menuentry 'open", "}", "menuentry 'A' {", "\\", "menuentry", "'", "a {{ } b"]) t.ok(parseGrubScript(script));
});
