import { execFileSync } from "node:child_process";
import t from "tap";
import { pathWord, prelude, shellCommand, shellExports, shellWord } from "../../../../agent/ssh/shell/words.js";

const strange = [
  "",
  " ",
  "it's",
  "''",
  '"$HOME"',
  "`id`",
  "$(id)",
  "a\nb",
  "\\",
  "\\n",
  "-n",
  "*",
  "~",
  "#",
  "!!",
  "a=b",
  "if",
  "é\u{1f600}",
  ";rm -rf /",
];

t.test("a word is the same after any shell has read it", async (t) => {
  const script = `for each in ${strange.map(shellWord).join(" ")}; do printf '%s\\0' "$each"; done`;
  for (const shell of ["/bin/sh", "/bin/bash"]) {
    t.same(execFileSync(shell, ["-c", script], { encoding: "utf8" }).split("\0").slice(0, -1), strange);
  }
  t.throws(() => shellWord("a\0b"), { code: "invalid-argument" });
});

t.test("a command line runs one program with its arguments, whatever they look like", async (t) => {
  t.equal(shellCommand(["if", "a=b", "it's"]), `'if' 'a=b' 'it'\\''s'`);
  const output = execFileSync("/bin/sh", ["-c", shellCommand(["printf", "<%s>", ...strange])], { encoding: "utf8" });
  t.equal(output, strange.map((each) => `<${each}>`).join(""));
});

t.test("variables are exported as they are, and a name no shell can hold is refused", async (t) => {
  const value = strange.join("|");
  t.equal(execFileSync("/bin/sh", ["-c", `${shellExports({ VALUE_1: value })}printenv VALUE_1`], { encoding: "utf8" }), `${value}\n`);
  for (const name of ["", "1A", "a b", "a;b", "a-b"]) t.throws(() => shellExports({ [name]: "x" }), { code: "invalid-argument" });
});

t.test("a path begins at the machine's root, and never climbs out of it", async (t) => {
  const shown = (path: string, env: Record<string, string>) =>
    execFileSync("/bin/sh", ["-c", `${prelude}printf %s ${pathWord(path)}`], { encoding: "utf8", env: { PATH: "/usr/bin:/bin", ...env } });
  t.equal(shown("/a b/$c", {}), "/a b/$c");
  t.equal(shown("/../../etc/x", { LABD_ROOT: "/srv/board" }), "/srv/board/etc/x");
  t.throws(() => pathWord("relative"), { code: "invalid-argument" });
});
