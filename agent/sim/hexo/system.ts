/** HEXO's machines: an x86 server with toolchain and applications, and a board with nothing but KVM, told apart by `arch`. */
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { SimulatedSystem } from "../system.js";
import { kernelTools } from "../tools/kernel-tools.js";
import { smallTools } from "../tools/small-tools.js";
import type { Tool } from "../tools/tool.js";
import { hexoFaults } from "./faults.js";
import { fileTools } from "./file-tools.js";
import { find } from "./find.js";
import { installCompiler, installerNeeds, python2 } from "./installer.js";
import { machineTools } from "./machine-tools.js";
import { make } from "./make.js";
import { networkHandlers } from "./network.js";
import { proxyFor } from "./proxy.js";
import { rsync } from "./rsync.js";
import { installer, laySourceTree } from "./source-tree.js";
import { ssh } from "./ssh.js";
import { defaultToolchainPath, layToolchain, refreshLaunchers } from "./toolchain.js";

const findTool = (name: string): Tool | undefined => tools[name] ?? smallTools[name] ?? kernelTools[name];

const tools: Readonly<Record<string, Tool>> = {
  ...fileTools,
  ...machineTools,
  find,
  make: make(findTool),
  proxy: proxyFor("x86_64"),
  "proxy-aarch64": proxyFor("aarch64"),
  python2,
  [installer]: installCompiler,
  rsync,
  ssh: ssh(findTool),
};

/** Of the key pair the machines of a simulated lab log in to each other with, where nobody has laid down another. */
const publicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHNpbXVsYXRlZGxhYnNpbXVsYXRlZGxhYnNpbXVs root@simulated\n";

export const hexo: SimulatedSystem = {
  tools,
  // Not on the PATH: they belong to the toolchain and to its source.
  toolPaths: { proxy: "", "proxy-aarch64": "", [installer]: "" },
  kinds: [],
  handlers: networkHandlers,
  faults: hexoFaults,
  async furnish(rootDirectory, { spec, parameters }) {
    const faults = new Set(parameters.faults);
    const isBoard = spec.arch === "aarch64";
    const put = (path: string, contents: string, mode = 0o644) => putFile(join(rootDirectory, path), contents, mode);
    for (const directory of ["var/tmp", "home"]) mkdirSync(join(rootDirectory, directory), { recursive: true });
    layKvm(rootDirectory, faults);
    if (isBoard) {
      const user = spec.ssh?.user ?? "root";
      return put(`${user === "root" ? "root" : `home/${user}`}/.ssh/authorized_keys`, publicKey, 0o600);
    }
    laySourceTree(rootDirectory);
    if (existsSync(join(rootDirectory, defaultToolchainPath))) refreshLaunchers(rootDirectory, defaultToolchainPath);
    else if (!faults.has("no-toolchain"))
      layToolchain(rootDirectory, defaultToolchainPath, faults.has("partial-toolchain") ? ["x86_64"] : ["x86_64", "aarch64"]);
    for (const path of installerNeeds) put(path, `stand-in for ${path}\n`, 0o755);
    put("root/.ssh/id_ed25519", "stand-in for a private key\n", 0o600);
    put("root/.ssh/id_ed25519.pub", publicKey);
  },
};

/** A file in place of the device: its mode says who may use it. */
function layKvm(rootDirectory: string, faults: ReadonlySet<string>): void {
  const file = join(rootDirectory, "dev/kvm");
  if (faults.has("kvm-absent")) return rmSync(file, { force: true });
  putFile(file, "", 0o666);
  chmodSync(file, faults.has("kvm-denied") ? 0o000 : 0o666);
}

function putFile(file: string, contents: string, mode: number): void {
  if (existsSync(file)) return;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, contents, { mode });
}
