/** The popcorn-compiler checkout, branch hermit-master: its installer, the Makefile of applications, and the applications. */
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { installLauncher } from "../tools/launcher.js";

export const defaultSourcePath = "/root/popcorn-compiler";
export const installer = "install_compiler.py";
export const makefile = "util/hermit/Makefile";

/** Applications of NPB come with a header per class; which one counts is what npbparams.h points to. */
const npb = ["bt", "cg", "dc", "ep", "ft", "is", "lu", "mg", "sp", "ua"];
const npbClasses = ["S", "W", "A", "B", "C"];
const others: Readonly<Record<string, string>> = {
  STREAM: "stream.c",
  blackscholes: "blackscholes.c",
  dhrystone: "dhrystone.c",
  hello: "prog.c",
  "instrument-functions": "prog.c",
  linpack: "linpack.c",
  livermore: "lloops.c",
  "phoenix-kmeans": "kmeans-seq.c",
  "phoenix-matrix-multiply": "matrix_multiply-seq.c",
  "phoenix-pca": "pca-seq.c",
  "remote-mem": "prog.c",
  whetstone: "whetstone.c",
};

/** Lays a checkout at `path` of the machine. */
export function laySourceTree(rootDirectory: string, path = defaultSourcePath): void {
  const root = join(rootDirectory, path);
  if (existsSync(join(root, makefile))) return;
  put(join(root, ".git/HEAD"), "ref: refs/heads/hermit-master\n");
  installLauncher(rootDirectory, join(path, installer), "hexo", installer);
  put(join(root, makefile), templateMakefile);
  for (const name of npb) layNpb(root, `apps/npb-${name}`, name);
  // Where checkouts of another time have it.
  layNpb(root, "apps/npb/is", "is");
  for (const [name, source] of Object.entries(others)) layApplication(root, `apps/${name}`, source, "int main(void);");
}

function layNpb(root: string, directory: string, name: string): void {
  layApplication(root, directory, `${name}.c`, '#include "npbparams.h"');
  for (const letter of npbClasses) put(join(root, directory, `npbparams-${letter}.h`), `#define CLASS '${letter}'\n`);
  symlinkSync("npbparams-A.h", join(root, directory, "npbparams.h"));
}

function layApplication(root: string, directory: string, source: string, text: string): void {
  put(join(root, directory, source), `/* ${directory}/${source} */\n${text}\n`);
  const link = join(root, directory, "Makefile");
  symlinkSync(relative(dirname(link), join(root, makefile)), link);
}

function put(file: string, contents: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, contents);
}

const templateMakefile = `# Template of all applications; every variable can be set in the environment or on the command line.
POPHERMIT?=~/hermit-popcorn
SRCS?=$(shell ls *.c)
MEM?=2G
CPUS?=1
VERBOSE?=0
MIGTEST?=0
RESUME?=0
DEBUG?=0
PORT?=5050
SERVER?=0
FULL_CHKPT_SAVE?=1
FULL_CHKPT_RESTORE?=1
ARM_TARGET_USER?=user
ARM_TARGET_IP?=potato
ARM_TARGET?=$(ARM_TARGET_USER)@$(ARM_TARGET_IP)
ARM_TARGET_HOME?=$(shell ssh $(ARM_TARGET) pwd)
# all check test-x86 test-arm transfer-checkpoint-to-arm transfer-checkpoint-from-arm
# transfer-full-checkpoint-to-arm transfer-full-checkpoint-from-arm objdump-x86 objdump-arm
# dump-stackinfo-x86 dump-stackinfo-arm dump-llvm-stackmaps-x86 dump-llvm-stackmaps-arm clean-status clean
`;
