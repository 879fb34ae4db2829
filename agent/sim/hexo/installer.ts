/** `python2 install_compiler.py`: downloads and builds the toolchain, for half an hour on real machines (facts: HEXO §1). */
import { machineMs } from "../tools/surroundings.js";
import type { Tool, ToolCall } from "../tools/tool.js";
import { installer } from "./source-tree.js";
import { defaultToolchainPath, layToolchain, type ToolchainTarget } from "./toolchain.js";

/** What it looks for, at these very paths, before it begins. */
export const installerNeeds: readonly string[] = [
  ...["flex", "bison", "cmake", "make", "wget", "nasm", "zip", "svn", "hexdump", "makeinfo"].map((name) => `/usr/bin/${name}`),
  "/usr/include/asm",
];

export const python2: Tool = (call) => {
  const [script, ...argv] = call.argv;
  if (script === "--version" || script === "-V") {
    call.err("Python 2.7.13\n");
    return 0;
  }
  if (script?.split("/").at(-1) === installer && call.machine.exists(script)) return installCompiler({ ...call, argv });
  call.err(`python2: can't open file '${script ?? ""}': [Errno 2] No such file or directory\n`);
  return 2;
};

/** Files of the toolchain that each part brings: `--skip-PART-…` leaves them out, `--only-PART` leaves out all others. */
const parts: Readonly<Record<string, RegExp>> = {
  llvm: /bin\/(?:clang|opt)$/,
  binutils: /bin\/x86_64-hermit-/,
  hermit: /libhermit\.a$|crt0\.o$|ls\.x$|bin\/proxy$/,
  libraries: /libmigrate\.a$|libstack-transform\.a$/,
  tools: /bin\/(?:gen-stackinfo|pyalign|check-align\.py)$/,
};
const partMs = 300_000;

export const installCompiler: Tool = async (call) => {
  const missing = installerNeeds.filter((path) => !call.machine.exists(path));
  if (missing.length > 0) {
    for (const path of missing) call.out(`ERROR: '${path.split("/").at(-1) ?? ""}' not found\n`);
    return 1;
  }
  const isLeftOut = (part: string) => {
    const only = call.argv.filter((word) => word.startsWith("--only-"));
    return (
      call.argv.some((word) => word.startsWith(`--skip-${part}`)) ||
      (only.length > 0 && !only.some((word) => word.startsWith(`--only-${part}`)))
    );
  };
  for (const part of Object.keys(parts)) {
    if (isLeftOut(part)) continue;
    call.out(`Configuring and building ${part}...\n`);
    await call.work(machineMs(call, partMs));
  }
  const leftOut = Object.entries(parts).flatMap(([part, files]) => (isLeftOut(part) ? [files] : []));
  const targets = option(call, "--targets") ?? "all";
  const wanted: readonly ToolchainTarget[] = /all|arm|aarch64/.test(targets) ? ["x86_64", "aarch64"] : ["x86_64"];
  const path = call.machine.absolute(option(call, "--install-path") ?? defaultToolchainPath);
  layToolchain(call.machine.rootDirectory, path, wanted, (file) => leftOut.some((files) => files.test(file)));
  return 0;
};

function option({ argv }: ToolCall, name: string): string | undefined {
  const at = argv.indexOf(name);
  return at < 0 ? argv.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1) : argv[at + 1];
}
