/** A machine with an NVIDIA GPU, docker and nvidia-container-toolkit, for PhOS. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { SimulatedSystem } from "../system.js";
import { docker } from "./docker-cli.js";
import { dockerHandlers } from "./dockerd.js";
import { phosFaults } from "./faults.js";
import { fileTools } from "./file-tools.js";
import { find } from "./find.js";
import { git } from "./git.js";
import { nvidiaSmi } from "./gpu.js";
import { findmnt, ss } from "./machine-tools.js";

export const phos: SimulatedSystem = {
  tools: { ...fileTools, find: find(() => fileTools), docker, git, ss, findmnt, "nvidia-smi": nvidiaSmi },
  kinds: [],
  handlers: dockerHandlers,
  faults: phosFaults,
  furnish(rootDirectory, { parameters: { faults } }) {
    // Ubuntu, of which a PhOS machine has only the name here.
    writeFileSync(
      join(rootDirectory, "etc/os-release"),
      'NAME="Ubuntu"\nID=ubuntu\nVERSION_ID="22.04"\nPRETTY_NAME="Ubuntu 22.04.4 LTS"\n',
    );
    if (faults.includes("foreign-clone")) lay(rootDirectory, "opt/phos/PhoenixOS/.git/stand-in.json", foreignClone);
    if (faults.includes("foreign-container")) lay(rootDirectory, "var/lib/docker/state.json", foreignContainer);
    return Promise.resolve();
  },
};

const commit = "1234567890123456789012345678901234567890";
const foreignClone = JSON.stringify({ url: "https://example.org/someone/else.git", commit, fetched: commit, present: [] });

const foreignContainer = JSON.stringify({
  images: [],
  containers: [
    {
      status: "exited",
      nextPid: 2,
      spec: {
        id: "f0".repeat(32),
        name: "phos_phos",
        image: "busybox:latest",
        labels: {},
        argv: ["sleep", "infinity"],
        cwd: "/",
        env: {},
        binds: [],
        privileged: false,
        hostNetwork: false,
        remove: false,
        createdMs: 0,
      },
    },
  ],
});

function lay(rootDirectory: string, path: string, contents: string): void {
  const file = join(rootDirectory, path);
  if (existsSync(file)) return;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, contents);
}
