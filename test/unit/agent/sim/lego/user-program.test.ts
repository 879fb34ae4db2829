import t from "tap";
import { CompileError } from "../../../../../agent/sim/lego/compile-error.js";
import { formatExecutable, parseExecutable, runExecutable, runScript } from "../../../../../agent/sim/lego/executable.js";
import { compileProgram } from "../../../../../agent/sim/lego/user-compiler.js";

const none = () => undefined;

function output(main: string, ...argv: readonly string[]) {
  return runExecutable(compileProgram("x.c", main, "static"), argv, none);
}

const programs: readonly { says: string; source: string; argv?: readonly string[]; writes: readonly string[]; exitStatus?: number }[] = [
  { says: "each line printed is a write of its own", source: 'int main(void) { printf("a\\nb\\n"); }', writes: ["a\n", "b\n"] },
  { says: "puts ends its line", source: 'int main() { puts("a"); return 0; }', writes: ["a\n"] },
  { says: "write writes as many bytes as it is told", source: 'int main() { write(1, "abc\\n", 2); }', writes: ["ab"] },
  { says: "literals side by side are one", source: 'int main() { printf("a" "b\\n"); }', writes: ["ab\n"] },
  { says: "a macro stands for its text", source: '#define NONCE "k7"\nint main() { printf("n: " NONCE "\\n"); }', writes: ["n: k7\n"] },
  {
    says: "a string variable stands for its text",
    source: 'static const char text[] = "k7\\n";\nint main() { fputs(text, stdout); }',
    writes: ["k7\n"],
  },
  { says: "arguments of printf fill its holes", source: 'int main() { printf("%s %5d%%\\n", "k7", 42); }', writes: ["k7 42%\n"] },
  { says: "what is not known prints as 0", source: 'int main() { printf("pid: %d\\n", getpid()); }', writes: ["pid: 0\n"] },
  {
    says: "functions of the file are followed",
    source: 'static void f(void) { puts("f"); }\nint main() { f(); puts("m"); }',
    writes: ["f\n", "m\n"],
  },
  {
    says: "argv is known when it runs",
    source: 'int main(int c, char **argv) { printf("%s\\n", argv[1]); }',
    argv: ["x", "k7"],
    writes: ["k7\n"],
  },
  { says: "nothing is printed after the end", source: 'int main() { puts("a"); exit(3); puts("b"); }', writes: ["a\n"], exitStatus: 3 },
  { says: "main's return value is the exit status", source: "int main() { return 7; }", writes: [], exitStatus: 7 },
  {
    says: "what is commented out is not there",
    source: 'int main() { /* puts("a"); */ // puts("b");\n#if 0\nputs("c");\n#endif\n}',
    writes: [],
  },
];

for (const { says, source, argv = ["x"], writes, exitStatus = 0 } of programs) {
  t.test(says, (t) => {
    t.same(output(source, ...argv), { writes, exitStatus });
    t.end();
  });
}

t.test("a program without main does not link", (t) => {
  t.throws(
    () => compileProgram("x.c", "int f(void) { return 0; }", "static"),
    new CompileError({ file: "x.c", line: 1, column: 1 }, "undefined reference to `main'"),
  );
  t.end();
});

t.test("recursion ends", (t) => {
  t.equal(output('void f(void) { puts("f"); f(); } int main() { f(); }').writes.length, 8);
  t.end();
});

const scripts: readonly { line: string; prints: string }[] = [
  { line: 'print("hello")', prints: "hello" },
  { line: "print('hello')", prints: "hello" },
  { line: 'print "hello"', prints: "hello" },
  { line: 'print("nonce", sys.argv[1])', prints: "nonce k7" },
  { line: 'print("nonce " + sys.argv[1])', prints: "nonce k7" },
  { line: 'print("nonce %s!" % sys.argv[1])', prints: "nonce k7!" },
  { line: 'print("nonce {}".format(sys.argv[1]))', prints: "nonce k7" },
  { line: 'print(f"nonce {sys.argv[1]}")', prints: "nonce k7" },
];

for (const { line, prints } of scripts) {
  t.test(`python understands ${line}`, (t) => {
    t.same(runScript(`import sys\n${line}\n`, ["/x.py", "k7"]), { writes: [`${prints}\n`], exitStatus: 0 });
    t.end();
  });
}

t.test("python without its script says so and ends with 2", (t) => {
  const run = runExecutable({ linkage: "dynamic", behaviour: { kind: "python" } }, ["/usr/bin/python", "/x.py"], none);
  t.match(run, { exitStatus: 2 });
  t.match(run.writes[0], "can't open file '/x.py'");
  t.end();
});

t.test("an executable begins like an ELF file and reads back the same; nothing else is one", (t) => {
  const program = compileProgram("x.c", 'int main() { puts("ü"); }', "static");
  t.equal(formatExecutable(program).slice(0, 4), "\x7fELF");
  t.same(parseExecutable(formatExecutable(program)), program);
  t.equal(parseExecutable("#!/usr/bin/python\n"), undefined);
  t.equal(parseExecutable(undefined), undefined);
  t.end();
});
