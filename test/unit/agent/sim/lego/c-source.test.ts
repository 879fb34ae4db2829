import t from "tap";
import { preprocess } from "../../../../../agent/sim/lego/c-preprocessor.js";
import { tokenize } from "../../../../../agent/sim/lego/c-tokens.js";
import { CompileError } from "../../../../../agent/sim/lego/compile-error.js";
import { checkNodeTable, compileNodeTable } from "../../../../../agent/sim/lego/node-table.js";
import { compileInitProgram } from "../../../../../agent/sim/lego/processor-program.js";

const names = (source: string, defined = new Map<string, string>()) =>
  tokenize("x.c", preprocess("x.c", source, defined)).map((token) => token.text);

const conditionals: readonly { source: string; alive: readonly string[] }[] = [
  { source: "#if 0\na\n#endif\nb", alive: ["b"] },
  { source: "#if 1\na\n#else\nb\n#endif", alive: ["a"] },
  { source: "#ifdef ON\na\n#else\nb\n#endif", alive: ["a"] },
  { source: "#ifndef ON\na\n#endif\nb", alive: ["b"] },
  { source: "#if defined(ON)\na\n#endif", alive: ["a"] },
  { source: "#if !defined(ON)\na\n#elif 1\nb\n#else\nc\n#endif", alive: ["b"] },
  { source: "#if 0\n#if 1\na\n#endif\nb\n#endif\nc", alive: ["c"] },
  { source: "#if (THREE >= 3)\na\n#endif\n#if THREE > 3\nb\n#endif", alive: ["a"] },
  { source: "#define OFF\n#undef OFF\n#ifdef OFF\na\n#endif\nb", alive: ["b"] },
];

for (const { source, alive } of conditionals) {
  t.test(`of ${JSON.stringify(source)} only ${alive.join(" ")} is compiled`, (t) => {
    t.same(
      names(
        source,
        new Map([
          ["ON", "1"],
          ["THREE", "3"],
        ]),
      ),
      alive,
    );
    t.end();
  });
}

t.test("comments and strings do not mistake each other, and lines keep their numbers", (t) => {
  t.same(names('a /* "b\n*/ "c // d" // e'), ["a", "c // d"]);
  t.equal(tokenize("x.c", preprocess("x.c", "/*\n\n*/ a"))[0]?.at.line, 3);
  t.end();
});

t.test("escapes become what they stand for", (t) => {
  t.same(names(String.raw`"\"\\\n\077\303\274\x41"`), ['"\\\n?üA']);
  t.end();
});

const broken: readonly { source: string; message: string }[] = [
  { source: "#if 1\na", message: "x.c:1:1: error: unterminated #if" },
  { source: "#endif", message: "x.c:1:1: error: #endif without #if" },
  { source: "a\n/* b", message: "x.c:2:1: error: unterminated comment" },
  { source: 'a = "b;', message: 'x.c:1:5: error: missing terminating " character' },
  { source: "{ (a }", message: "x.c:1:6: error: expected ‘)’ before ‘}’ token" },
  { source: "}", message: "x.c:1:1: error: expected identifier or ‘(’ before ‘}’ token" },
];

for (const { source, message } of broken) {
  t.test(`gcc would say of ${JSON.stringify(source)}: ${message}`, (t) => {
    t.throws(() => names(source), CompileError);
    try {
      names(source);
    } catch (error) {
      if (error instanceof CompileError) t.equal(error.diagnostic, message);
    }
    t.end();
  });
}

const table = (hostnames: string, machines: string) =>
  compileNodeTable(
    "x.c",
    `static const char *lego_cluster_hostnames[NR] = ${hostnames};\nstatic struct fit_machine_info WUKLAB_CLUSTER[] = ${machines};\n`,
    new Map([["NR", "2"]]),
  );
const machines = '{ [0] = { .hostname = "a", .lid = 1 }, [1] = { .hostname = "b", .lid = 2, } }';

t.test("names may stand with or without index, in any order, and be missing", (t) => {
  t.same(table('{ "a", "b" }', machines).hostnames, ["a", "b"]);
  t.same(table('{ [1] = "b", [0] = "a", }', machines).hostnames, ["a", "b"]);
  t.same(table('{ [1] = "b" }', machines).hostnames, [null, "b"]);
  t.same(table('{ "a", "b", "c" }', machines).hostnames, ["a", "b"], "one too many without index is a warning");
  t.throws(() => table('{ [2] = "c" }', machines), /array index in initializer exceeds array bounds/);
  t.throws(() => table('{ "a" "b" ', machines), CompileError);
  t.throws(() => table('{ "a", "b" }', '{ { .name = "a" } }'), /unknown field ‘name’ specified in initializer/);
  t.throws(() => table("{ a, b }", machines), /expected expression before ‘a’/);
  t.end();
});

t.test("FIT complains of every name it cannot use", (t) => {
  t.same(checkNodeTable(table('{ [1] = "c" }', machines)).complaints, ["    Empty hostname on node 0", "    Wrong hostname c on node 1"]);
  t.same(checkNodeTable(table('{ "a", "a" }', machines)).complaints, ["    Duplicated hostname a on node 1"]);
  t.same(
    checkNodeTable(table('{ "b", "a" }', machines)).nodes.map((node) => node?.lid),
    [2, 1],
  );
  t.end();
});

t.test("the last assignment in procmgmt() wins, and argv ends at its first hole", (t) => {
  const body = 'init_filename = "/a"; argv_init[0] = init_filename; init_filename = "/b"; argv_init[1] = "x"; argv_init[3] = "y";';
  t.same(compileInitProgram("x.c", `static int procmgmt(void *unused) { ${body} return do_execve(init_filename); }`, new Map()), {
    filename: "/b",
    argv: ["/a", "x"],
  });
  t.end();
});
