import t from "tap";
import { formatEnvironmentBlock, parseEnvironmentBlock } from "../../../../../agent/sim/machine/environment-block.js";
import { type BootFiles, GrubShell } from "../../../../../agent/sim/machine/grub-shell.js";
import { formatKernelImage } from "../../../../../agent/sim/machine/kernel-image.js";

const kernel = formatKernelImage({ kind: "legoos", build: {} });

function memoryFiles(contents: Record<string, string | Uint8Array>): BootFiles & { text(path: string): string } {
  const files = new Map(Object.entries(contents).map(([path, value]) => [path, Buffer.from(value)]));
  return {
    read: (path) => files.get(path),
    write: (path, value) => void files.set(path, Buffer.from(value)),
    text: (path) => files.get(path)?.toString() ?? "",
  };
}

function run(script: string, contents: Record<string, string | Uint8Array> = {}) {
  const printed: string[] = [];
  const files = memoryFiles({ "/boot/k": kernel, "/boot/i": "initrd", "/boot/grub2/grub.cfg": script, ...contents });
  const shell = new GrubShell(files, "/boot/grub2", (text) => printed.push(text));
  shell.source("/boot/grub2/grub.cfg");
  return { shell, files, printed: () => printed.join("") };
}

const quoting: readonly [written: string, seen: string][] = [
  ["memmap=2G\\$4G", "BOOT_IMAGE=/boot/k memmap=2G$4G"],
  ["memmap=2G$4G", "BOOT_IMAGE=/boot/k memmap=2GG"],
  ["memmap=2G$0x4", "BOOT_IMAGE=/boot/k memmap=2Gx4"],
  ["'memmap=2G$4G'", "BOOT_IMAGE=/boot/k memmap=2G$4G"],
  ['"memmap=2G\\$4G"', "BOOT_IMAGE=/boot/k memmap=2G$4G"],
  ['"memmap=2G$4G"', "BOOT_IMAGE=/boot/k memmap=2GG"],
  ["memmap=2G\\\\\\$4G", "BOOT_IMAGE=/boot/k memmap=2G\\\\$4G"],
  ['a="x" b', "BOOT_IMAGE=/boot/k a=x b"],
  ['"a b"', 'BOOT_IMAGE=/boot/k "a b"'],
  ["a#b  c # comment", "BOOT_IMAGE=/boot/k a#b c"],
  ["a \\\n b", "BOOT_IMAGE=/boot/k a b"],
  ["$unset end", "BOOT_IMAGE=/boot/k end"],
  ["root=${prefix}x", "BOOT_IMAGE=/boot/k root=/boot/grub2x"],
];

for (const [written, seen] of quoting) {
  t.test(`arguments written as ${JSON.stringify(written)} reach the kernel as ${JSON.stringify(seen)}`, async (t) => {
    const { shell } = run(`linux16 /boot/k ${written}\n`);
    t.equal(shell.loaded?.commandLine, seen);
  });
}

t.test("menu entries have an id, by option or by title", async (t) => {
  const { shell } = run(`
    menuentry_id_option="--id"
    menuentry 'CentOS Linux' --class os $menuentry_id_option 'linux-1' { linux16 /boot/k }
    menuentry "Lego P" --id=lego-p { linux16 /boot/k }
    menuentry Plain { linux16 /boot/k }
  `);
  t.same(
    shell.entries.map(({ id, title }) => [id, title]),
    [
      ["linux-1", "CentOS Linux"],
      ["lego-p", "Lego P"],
      ["Plain", "Plain"],
    ],
  );
});

t.test("an entry's body runs only when it is chosen, with variables as they are then", async (t) => {
  const { shell } = run("menuentry A { linux16 /boot/k $late }\nset late=now\n");
  t.equal(shell.loaded, undefined);
  shell.run(shell.entries[0]?.body ?? []);
  t.match(shell.loaded, { protocol: "linux16", path: "/boot/k", commandLine: "BOOT_IMAGE=/boot/k now", image: { kind: "legoos" } });
});

t.test("if, elif, else, functions and tests run as generated files expect", async (t) => {
  const { shell } = run(`
    function pick { if [ "$1" = b -a -n "$2" ]; then set picked="$2"; fi }
    if [ -s $prefix/absent ]; then set first=yes
    elif [ -f /boot/k -o x = y ]; then set first=second
    else set first=no; fi
    if [ ! -z "\${first}" ] ; then pick b "two words"; fi
    if false; then set second=yes; else set second=no; fi
  `);
  t.same(
    ["first", "picked", "second"].map((name) => shell.variables.get(name)),
    ["second", "two words", "no"],
  );
});

const oneShot = `
load_env
if [ "\${next_entry}" ] ; then
   set default="\${next_entry}"
   set next_entry=
   save_env next_entry
else
   set default="\${saved_entry}"
fi
`;

t.test("next_entry is honoured once and leaves the block before anything boots, other variables untouched", async (t) => {
  const block = formatEnvironmentBlock(
    new Map([
      ["saved_entry", "Linux"],
      ["next_entry", "lego-p"],
      ["other", "kept"],
    ]),
  );
  const { shell, files } = run(oneShot, { "/boot/grub2/grubenv": block });
  t.equal(shell.variables.get("default"), "lego-p");
  const after = files.read("/boot/grub2/grubenv") ?? new Uint8Array();
  t.equal(after.length, 1024);
  t.same(
    [...(parseEnvironmentBlock(after) ?? [])],
    [
      ["saved_entry", "Linux"],
      ["next_entry", ""],
      ["other", "kept"],
    ],
  );
  t.equal(run(oneShot, { "/boot/grub2/grubenv": after }).shell.variables.get("default"), "Linux");
});

t.test("a block without signature is refused", async (t) => {
  const { shell, printed } = run(oneShot, { "/boot/grub2/grubenv": "saved_entry=Linux" });
  t.match(printed(), "error: invalid environment block.");
  t.notOk(shell.variables.get("default"));
});

const failures: readonly [script: string, message: string][] = [
  ["linux16 /boot/x", "error: file `/boot/x' not found."],
  ["linux16 /boot/i", "error: invalid magic number."],
  ["initrd16 /boot/i", "error: you need to load the kernel first."],
  ["linux16 /boot/k\ninitrd16 /boot/y", "error: file `/boot/y' not found."],
  ["lunix16 /boot/k", "error: can't find command `lunix16'."],
  ["source /boot/custom.cfg", "error: file `/boot/custom.cfg' not found."],
  ["menuentry A { linux16 /boot/k", "syntax error: expected `}'"],
  ["linux16 /boot/k a|b", "syntax error: unexpected `|'"],
  ["if true; linux16 /boot/k; fi", "syntax error: unexpected `fi'"],
];

for (const [script, message] of failures) {
  t.test(`${JSON.stringify(script)} says: ${message}`, async (t) => {
    const { shell, printed } = run(script);
    t.match(printed(), message);
    t.ok(shell.failed);
    t.equal(shell.loaded, undefined);
  });
}

t.test("custom.cfg is read as part of grub.cfg, device prefixes and all", async (t) => {
  const { shell } = run("if [ -f $prefix/custom.cfg ]; then source $prefix/custom.cfg; fi", {
    "/boot/grub2/custom.cfg": "menuentry X --id x {\n\tlinux16 (hd0,msdos1)/boot/k a=\\$b\n\tinitrd16 /boot/i\n}\n",
  });
  shell.run(shell.entries[0]?.body ?? []);
  t.equal(shell.loaded?.commandLine, "BOOT_IMAGE=(hd0,msdos1)/boot/k a=$b");
});
