import { readlinkSync } from "node:fs";
import t from "tap";
import { parseProgram } from "../../../../../agent/sim/hexo/program-file.js";
import { toolchainFiles } from "../../../../../agent/sim/hexo/toolchain.js";
import { type HexoMachine, hexoPair } from "../../../../support/hexo-sim/pair.js";

const is = "/root/popcorn-compiler/apps/npb-is";
const hello = "/root/popcorn-compiler/apps/hello";

function program(machine: HexoMachine, name: string) {
  return parseProgram(machine.read(`${is}/${name}`));
}

t.test("make builds four programs of one build, make check is silent when they are aligned", async (t) => {
  const { x86 } = await hexoPair(t);
  t.equal((await x86.run("ln", ["-sf", "npbparams-B.h", "npbparams.h"], { cwd: is })).exitCode, 0);
  t.equal(readlinkSync(x86.host("/") + `${is}/npbparams.h`), "npbparams-B.h");
  t.equal((await x86.run("make", [], { cwd: is })).exitCode, 0);
  const arm = program(x86, "prog_aarch64_aligned");
  t.match(arm, { app: "npb-is", problemClass: "B", architecture: "aarch64", aligned: true });
  t.match(program(x86, "prog_x86-64"), { source: arm?.source, architecture: "x86_64", aligned: false });
  t.same(await x86.run("make", ["check"], { cwd: is }), { exitCode: 0, stdout: "", stderr: "" });
});

t.test("a class linked after a build rebuilds nothing until make clean", async (t) => {
  const { x86 } = await hexoPair(t);
  const link = (letter: string) => x86.run("ln", ["-sf", `npbparams-${letter}.h`, "npbparams.h"], { cwd: is });
  await link("A");
  await x86.run("make", [], { cwd: is });
  await link("B");
  await x86.run("make", [], { cwd: is });
  t.equal(program(x86, "prog_x86-64_aligned")?.problemClass, "A");
  await x86.run("make", ["clean"], { cwd: is });
  t.notOk(x86.exists(`${is}/prog_x86-64_aligned`));
  await x86.run("make", [], { cwd: is });
  t.equal(program(x86, "prog_x86-64_aligned")?.problemClass, "B");
});

t.test("no header, no toolchain, no target, no makefile: make says so with exit code 2", async (t) => {
  const { x86 } = await hexoPair(t);
  await x86.run("rm", ["-f", "npbparams.h"], { cwd: is });
  t.match(await x86.run("make", [], { cwd: is }), { exitCode: 2, stderr: "'npbparams.h' file not found" });
  t.match(await x86.run("make", ["POPHERMIT=/nowhere"], { cwd: hello }), {
    exitCode: 2,
    stderr: "/nowhere/x86_64-host/bin/clang: Command not found",
  });
  t.match(await x86.run("make", ["nonsense"], { cwd: hello }), { exitCode: 2, stderr: "No rule to make target `nonsense'" });
  t.match(await x86.run("make", ["all"], { cwd: "/root" }), { exitCode: 2, stderr: "No rule to make target `all'" });
  t.match(await x86.run("make", ["check"], { cwd: hello }), { exitCode: 2 });
});

t.test("neither clean nor clean-status removes a checkpoint or a lock", async (t) => {
  const { x86 } = await hexoPair(t);
  for (const name of ["heap.bin", "mdata.bin", "stack.bin.0", ".lock", ".status", ".memory"]) x86.write(`${is}/${name}`, "old");
  await x86.run("make", ["clean", "clean-status"], { cwd: is });
  for (const name of ["heap.bin", "mdata.bin", "stack.bin.0", ".lock"]) t.ok(x86.exists(`${is}/${name}`), name);
  for (const name of [".status", ".memory"]) t.notOk(x86.exists(`${is}/${name}`), name);
});

t.test("test-x86 gives the proxy the template's variables, command line before environment", async (t) => {
  const { x86 } = await hexoPair(t);
  const env = { MIGTEST: "5", MEM: "1G", FULL_CHKPT_SAVE: "0" };
  const run = await x86.run("make", ["test-x86", "FULL_CHKPT_SAVE=1"], { cwd: is, env });
  t.equal(run.exitCode, 0);
  t.match(run.stdout, /Uhyve: exiting\n$/);
  t.ok(x86.exists(`${is}/heap.bin`));
});

t.test("misaligned: make succeeds, make check does not", async (t) => {
  const { x86 } = await hexoPair(t, { x86: ["misaligned"] });
  t.equal((await x86.run("make", [], { cwd: is })).exitCode, 0);
  t.match(await x86.run("make", ["check"], { cwd: is }), { exitCode: 2, stdout: "not aligned" });
});

t.test("build-fails: the compiler's words, exit code 2, no program", async (t) => {
  const { x86 } = await hexoPair(t, { x86: ["build-fails"] });
  t.match(await x86.run("make", [], { cwd: is }), { exitCode: 2, stderr: "error: unknown type name" });
  t.notOk(x86.exists(`${is}/prog_x86-64_aligned`));
});

t.test("the installer wants Python 2 and its tools, and lays down what is evidence of a complete toolchain", async (t) => {
  const { x86 } = await hexoPair(t, { x86: ["no-toolchain"] });
  const source = "/root/popcorn-compiler";
  const missing = () => toolchainFiles().filter((file) => !x86.exists(`/opt/hermit/${file}`));
  t.notOk(x86.exists("/root/hermit-popcorn"));
  t.match(await x86.run("python2", ["--version"]), { exitCode: 0, stderr: /^Python 2\./ });
  t.match(await x86.run("python2", ["nothing.py"], { cwd: source }), { exitCode: 2 });
  const install = ["install_compiler.py", "--install-path", "/opt/hermit"];
  const partial = await x86.run("python2", [...install, "--skip-llvm-clang-install"], { cwd: source });
  t.equal(partial.exitCode, 0);
  t.same(missing(), ["x86_64-host/bin/clang", "x86_64-host/bin/opt"]);
  t.equal((await x86.run("python2", [...install, "--threads", "4"], { cwd: source })).exitCode, 0);
  t.same(missing(), []);
  await x86.run("rm", ["/usr/bin/makeinfo"]);
  t.match(await x86.run("python2", install, { cwd: source }), { exitCode: 1, stdout: "ERROR: 'makeinfo' not found" });
});

t.test("partial-toolchain: what the board needs is missing", async (t) => {
  const { x86 } = await hexoPair(t, { x86: ["partial-toolchain"] });
  t.ok(x86.exists("/root/hermit-popcorn/x86_64-host/bin/proxy"));
  t.notOk(x86.exists("/root/hermit-popcorn/aarch64-hermit/bin/proxy"));
});
