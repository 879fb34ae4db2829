/** The installed toolchain: what is there when it is complete (facts: HEXO §1), and laying it down. */
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { installLauncher } from "../tools/launcher.js";

export const defaultToolchainPath = "/root/hermit-popcorn";

const hostPrograms = ["clang", "opt", "x86_64-hermit-ld.gold", "x86_64-hermit-elfedit", "pyalign", "check-align.py", "gen-stackinfo"];
const libraries = ["libhermit.a", "libmigrate.a", "libstack-transform.a", "crt0.o", "ls.x"];
const targets = ["x86_64", "aarch64"] as const;
export type ToolchainTarget = (typeof targets)[number];

/** Where the hypervisor for each architecture is. */
export const proxyPaths: Readonly<Record<ToolchainTarget, string>> = {
  x86_64: "x86_64-host/bin/proxy",
  aarch64: "aarch64-hermit/bin/proxy",
};

/** Evidence of a complete toolchain: paths below where it is installed. */
export function toolchainFiles(wanted: readonly ToolchainTarget[] = targets): readonly string[] {
  return [
    ...hostPrograms.map((name) => `x86_64-host/bin/${name}`),
    proxyPaths.x86_64,
    ...wanted.flatMap((target) => libraries.map((name) => `${target}-hermit/lib/${name}`)),
    ...(wanted.includes("aarch64") ? [proxyPaths.aarch64] : []),
  ];
}

const launchers: Readonly<Record<string, string>> = { [proxyPaths.x86_64]: "proxy", [proxyPaths.aarch64]: "proxy-aarch64" };

/** Lays the toolchain down at `path` of the machine, for these targets, `except` some files; what is there already stays. */
export function layToolchain(
  rootDirectory: string,
  path: string,
  wanted: readonly ToolchainTarget[] = targets,
  except: (file: string) => boolean = () => false,
): void {
  for (const file of toolchainFiles(wanted)) {
    const host = join(rootDirectory, path, file);
    if (existsSync(host) || except(file)) continue;
    const tool = launchers[file];
    if (tool !== undefined) installLauncher(rootDirectory, join(path, file), "hexo", tool);
    else {
      mkdirSync(dirname(host), { recursive: true });
      writeFileSync(host, `stand-in for ${file}\n`);
      if (file.includes("/bin/")) chmodSync(host, 0o755);
    }
  }
}

/** Launchers name programs of the host, which an earlier simulation may have had elsewhere. */
export function refreshLaunchers(rootDirectory: string, path: string): void {
  for (const [file, tool] of Object.entries(launchers)) {
    if (existsSync(join(rootDirectory, path, file))) installLauncher(rootDirectory, join(path, file), "hexo", tool);
  }
}
