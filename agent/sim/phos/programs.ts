/** What can be run in a container: its own programs, and the file tools of every Linux. */
import { smallTools } from "../tools/small-tools.js";
import type { Tool } from "../tools/tool.js";
import { aptGet } from "./assets.js";
import { bash } from "./bash.js";
import { rustupInit } from "./build-script.js";
import { xpuServer } from "./daemon.js";
import { fileTools } from "./file-tools.js";
import { find } from "./find.js";
import { nvidiaSmiInside } from "./gpu.js";
import { findImage } from "./images.js";
import { posCli } from "./pos-cli.js";
import { processTools, umount } from "./process-tools.js";
import type { Program } from "./process.js";
import { python } from "./sample.js";

const { cat, sha256sum, sync } = smallTools as Readonly<Record<"cat" | "sha256sum" | "sync", Tool>>;

const tools: Readonly<Record<string, Tool>> = { ...fileTools, cat, sha256sum, sync, umount };

const ldd: Program = (call, process) => {
  call.out(`ldd (Ubuntu GLIBC) ${findImage(process.container.spec.image)?.glibc ?? "2.31"}\n`);
  return 0;
};

/** busybox's way to say nothing, and to say something. */
const echo: Tool = (call) => {
  call.out(`${call.argv.join(" ")}\n`);
  return 0;
};

export const programs: Readonly<Record<string, Program>> = {
  ...tools,
  echo,
  true: () => 0,
  false: () => 1,
  find: find(() => tools),
  ...processTools,
  bash,
  sh: bash,
  "apt-get": aptGet,
  "rustup-init": rustupInit,
  pos_cli: posCli,
  "xpu-server": xpuServer,
  python3: python,
  "nvidia-smi": nvidiaSmiInside,
  ldd,
};
