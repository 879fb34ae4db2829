/** Images the simulated registry has, and what a container of one begins with. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

export interface Image {
  readonly name: string;
  readonly id: string;
  readonly glibc: string;
}

const known: readonly Image[] = [
  { name: "phoenixos/pytorch:11.3-ubuntu20.04", id: digest("a1"), glibc: "2.31" },
  { name: "phoenixos/pytorch:11.8-ubuntu20.04", id: digest("b2"), glibc: "2.31" },
  { name: "nvidia/cuda:12.3.2-cudnn9-devel-ubuntu22.04", id: digest("c3"), glibc: "2.35" },
  { name: "nvidia/cuda:11.3.1-cudnn8-devel-ubuntu18.04", id: digest("d4"), glibc: "2.27" },
  { name: "busybox:latest", id: digest("e5"), glibc: "2.36" },
];

function digest(byte: string): string {
  return `sha256:${byte.repeat(32)}`;
}

/** With ":latest" where no tag is given; undefined when the registry has none of that name. */
export function findImage(name: string): Image | undefined {
  const tagged = /[:@]/.test(name.slice(name.lastIndexOf("/") + 1)) ? name : `${name}:latest`;
  return known.find((image) => image.name === tagged);
}

const files: Readonly<Record<string, string>> = {
  "etc/profile":
    "# /etc/profile: system-wide .profile file for the Bourne shell\nexport PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n",
  "etc/os-release": 'NAME="Ubuntu"\nVERSION="20.04.6 LTS (Focal Fossa)"\nID=ubuntu\nVERSION_ID="20.04"\n',
  "usr/local/cuda-11.3/include/cuda.h": "/* CUDA 11.3 */\n",
};

const directories = [
  "bin",
  "dev",
  "lib/x86_64-linux-gnu",
  "proc",
  "root",
  "tmp",
  "usr/bin",
  "usr/include",
  "usr/local/bin",
  "var/lib",
  "var/log",
  "var/tmp",
];

/** Lays the image into a container's root directory. */
export function layImage(rootDirectory: string): void {
  for (const directory of directories) mkdirSync(join(rootDirectory, directory), { recursive: true });
  for (const [path, contents] of Object.entries(files)) {
    const file = join(rootDirectory, path);
    if (existsSync(file)) continue;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, contents);
  }
}
