/** download_assets.sh and the packages of the image: what comes over the network (facts: PhOS §2). */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { faultsOf } from "../tools/surroundings.js";
import type { ToolCall } from "../tools/tool.js";
import type { Program } from "./process.js";

export const goArchive = "assets/go1.23.2.linux-amd64.tar.gz";
const nsight = "assets/nsight-systems-2023.4.1_amd64.deb";
const libclang = "third_party/libclang-static-build";

export const downloadAssets: Program = async (call, process) => {
  if (faultsOf(call).has("no-network")) return fail(call, "wget: unable to resolve host address 'github.com'");
  await process.work(10_000);
  put(call, `/root/${libclang}/lib/libclang.a`);
  download(call, goArchive);
  if (faultsOf(call).has("assets-fail")) return fail(call, "ERROR 503: Service Unavailable.");
  download(call, nsight);
  return 0;
};

/** As wget does it: what is there stays, and this one gets a number. */
function download(call: ToolCall, name: string): void {
  const path = `/root/${name}`;
  const taken = (file: string) => call.machine.exists(file);
  let target = path;
  for (let number = 1; taken(target); number += 1) target = `${path}.${number}`;
  call.err(`'${target}' saved\n`);
  put(call, target);
}

function put({ machine }: ToolCall, path: string): void {
  const file = machine.host(path);
  mkdirSync(dirname(file), { recursive: true });
  if (!existsSync(file)) writeFileSync(file, `${path}\n`);
}

function fail(call: ToolCall, text: string): number {
  call.err(`${text}\n`);
  return 1;
}

/** apt-get update | install -y PACKAGE… */
export const aptGet: Program = async (call, process) => {
  if (faultsOf(call).has("no-network")) {
    call.err("E: Failed to fetch http://archive.ubuntu.com/ubuntu/dists/focal/InRelease  Temporary failure resolving\n");
    return 100;
  }
  await process.work(5_000);
  if (call.argv.includes("libibverbs-dev")) put(call, "/usr/include/infiniband/verbs.h");
  return 0;
};
