/** Jobs of one node as the contract says them. */
import t from "tap";
import { Fences } from "../../../../agent/fence.js";
import type { Job } from "../../../../agent/ports/command.js";
import { type OperatedNode, OperatedNodes } from "../../../../agent/service/acting.js";
import { commandService } from "../../../../agent/service/command-service.js";
import type { Call } from "../../../../proto/rpc/service.js";

const call: Call = { signal: new AbortController().signal, peer: { name: "controller", role: "operator" } };
const job: Job = { id: "j1", argv: ["server"], state: "running", startedMs: 5, stdoutBytes: 4, stderrBytes: 0, pid: 7 };

async function serve(path: string) {
  const asked: unknown[] = [];
  const commands = {
    read: async (id: string, tailBytes: number) => {
      asked.push(["read", id, tailBytes]);
      return { job, stdout: Buffer.from("out\n"), stderr: new Uint8Array() };
    },
    signal: async (id: string, signal: string, key: string) => {
      asked.push(["signal", id, signal, key]);
      return { sent: true, replayed: false };
    },
  };
  const fences = await Fences.open(`${path}/fences`);
  const nodes = new OperatedNodes("p0", (node, fence) => fences.require(node, fence));
  nodes.set("p0", { commands } as unknown as OperatedNode);
  return { asked, service: commandService(nodes) };
}

const signal = { node: "p0", jobId: "j1", signal: "SIGUSR1", key: "k1", fence: { leaseId: "lease-2", epoch: 2n } };

t.test("a job is read with at most 1 MiB of the end of each stream", async (t) => {
  const { asked, service } = await serve(t.testdir());
  t.match(await service.readJob({ node: "p0", jobId: "j1", tailBytes: 0 }, call), {
    job: { jobId: "j1", state: "running", pid: 7 },
    stdout: Buffer.from("out\n"),
  });
  await service.readJob({ node: "p0", jobId: "j1", tailBytes: 4_000_000_000 }, call);
  await service.readJob({ node: "p0", jobId: "j1", tailBytes: 10 }, call);
  t.same(
    asked.map((each) => (each as unknown[])[2]),
    [1_048_576, 1_048_576, 10],
  );
});

t.test("a signal needs a lease in force, a key and a name it may have", async (t) => {
  const { asked, service } = await serve(t.testdir());
  t.same(await service.signalJob(signal, call), { sent: true, replayed: false });
  t.same(asked, [["signal", "j1", "SIGUSR1", "k1"]]);
  await t.rejects(service.signalJob({ ...signal, fence: { leaseId: "lease-1", epoch: 1n } }, call), { code: "conflict" });
  await t.rejects(service.signalJob({ ...signal, fence: undefined }, call), { code: "invalid-argument" });
  await t.rejects(service.signalJob({ ...signal, key: "" }, call), { code: "invalid-argument", message: /needs a key/ });
  await t.rejects(service.signalJob({ ...signal, signal: "SIGSTOP" }, call), { code: "invalid-argument", message: /SIGUSR1, SIGUSR2/ });
  await t.rejects(service.signalJob({ ...signal, node: "m0" }, call), { code: "not-found" });
  t.equal(asked.length, 1);
});
