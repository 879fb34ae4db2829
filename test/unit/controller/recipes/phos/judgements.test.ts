import t from "tap";
import type { CommandOutcome, JobSeen, Verdict } from "../../../../../controller/deploy/recipe.js";
import {
  buildResult,
  judgeAssets,
  judgeInstalled,
  judgePass,
  judgeProfile,
  judgeSubmodules,
} from "../../../../../controller/recipes/phos/build.js";
import {
  judgeContinues,
  judgeCopy,
  judgeDump,
  judgeHashes,
  judgeImage,
  judgeNoClient,
  judgeProcessAlive,
  judgeProcessGone,
  judgeProgress,
  judgeRestore,
  judgeUnmounted,
} from "../../../../../controller/recipes/phos/checkpoint.js";
import { judgeGone, judgeOwner, judgeRunning } from "../../../../../controller/recipes/phos/container.js";
import {
  judgeCapability,
  judgeDaemonOnGpu,
  judgeGpuMemory,
  judgeGpus,
  judgeIdle,
  judgeVisible,
} from "../../../../../controller/recipes/phos/gpu.js";
import {
  judgeDaemonPort,
  judgeDocker,
  judgeGlibc,
  judgeMachine,
  judgeMemory,
  judgePortsFree,
  judgeRemote,
} from "../../../../../controller/recipes/phos/host-tools.js";
import { planDesign } from "../../../../../controller/recipes/phos/problems.js";
import { sampleOf, tameSample } from "../../../../../controller/recipes/phos/samples.js";
import { phosInput } from "../../../../support/recipe/phos-lab.js";

const ran = (stdout: string, exitCode = 0, stderr = ""): CommandOutcome => ({
  exitCode,
  state: "exited",
  stdout,
  stderr,
  startedMs: 1000,
  endedMs: 3500,
});
const job = (stdout: string, more: Partial<JobSeen> = {}): JobSeen => ({ ...ran(stdout), signal: undefined, pid: 7, ...more });
const running = { state: "running", exitCode: undefined, endedMs: undefined } as const;

const ok = (verdict: Verdict) => verdict.ok;
const reason = (verdict: Verdict) => (verdict.ok ? "" : verdict.reason);
const isFinal = (verdict: Verdict) => !verdict.ok && verdict.final === true;

t.test("GPUs: driver, capability, processes, memory", async (t) => {
  const a100 = "0, NVIDIA A100-SXM4-80GB, 525.105.17, 81920, 4\n";
  t.match(judgeGpus(ran(a100)), { ok: true, outputs: { gpuCount: 1, driver: 525 } });
  t.match(reason(judgeGpus(ran(a100.replace("525.105.17", "460.32")))), /465 or newer/);
  t.match(reason(judgeGpus(ran("NVIDIA-SMI has failed", 9))), /driver loaded/);
  t.match(judgeCapability(ran("8.0\n"), ["A100"]), { ok: true });
  t.match(judgeCapability(ran("7.0\n8.6\n"), ["V100", "A40"]), { ok: true });
  for (const [capability, why] of [
    ["9.0", /no Hopper/],
    ["10.0", /no Hopper/],
    ["6.1", /too old/],
  ] as const)
    t.match(reason(judgeCapability(ran(`8.0\n${capability}\n`), ["a", "b"])), why);
  const unknownField = ran('Field "compute_cap" is not a valid field to query.', 2);
  t.ok(ok(judgeCapability(unknownField, ["NVIDIA A100-PCIE-40GB"])), "an older driver does not tell; the name does");
  t.match(reason(judgeCapability(unknownField, ["NVIDIA H100 PCIe"])), /9\.0/);
  t.match(reason(judgeCapability(unknownField, ["NVIDIA Mystery"])), /not known/);
  t.ok(ok(judgeIdle(ran(""))));
  t.match(reason(judgeIdle(ran("31337, /usr/bin/python3\n"))), /python3/);
  t.ok(ok(judgeDaemonOnGpu(ran("40007, /usr/local/bin/xpu-server\n"))));
  t.notOk(ok(judgeDaemonOnGpu(ran("40007, python3\n"))));
  t.match(judgeGpuMemory(ran("0, A, 525.1, 81920, 40\n1, A, 525.1, 81920, 60\n")), { outputs: { gpuUsedMiB: 100 } });
  t.ok(ok(judgeVisible(ran("GPU 0: A100 (UUID: x)\n"), 1)));
  t.match(reason(judgeVisible(ran("GPU 0: A100 (UUID: x)\n"), 2)), /1 GPUs are visible/);
  t.match(reason(judgeVisible(ran("", 125, "could not select device driver"), 1)), /nvidia-container-toolkit/);
});

t.test("the machine: docker, ports, glibc, memory, disk, repository", async (t) => {
  const info = (more: object) =>
    ran(JSON.stringify({ ServerVersion: "24.0.7", DockerRootDir: "/var/lib/docker", SecurityOptions: [], ...more }));
  t.match(judgeDocker(info({})), { ok: true, outputs: { dockerRoot: "/var/lib/docker" } });
  t.match(reason(judgeDocker(info({ SecurityOptions: ["name=rootless"] }))), /without root/);
  t.match(reason(judgeDocker(ran("", 1, "permission denied"))), /may the agent use it/);
  t.match(reason(judgeDocker(info({ ServerVersion: "" }))), /does not answer/);
  const socket = (address: string) => `UNCONN 0 0 ${address} 0.0.0.0:*\n`;
  t.ok(ok(judgePortsFree(ran(socket("0.0.0.0:68")))));
  for (const port of [5213, 10086]) t.match(reason(judgePortsFree(ran(socket(`0.0.0.0:${port}`)))), new RegExp(`${port} is taken`));
  t.ok(ok(judgePortsFree(ran(socket("0.0.0.0:52130")))), "52130 is another port");
  t.match(judgeDaemonPort(ran(socket("0.0.0.0:5213"))), { ok: true, lines: [/open to the network, without authentication/] });
  t.match(judgeDaemonPort(ran(socket("127.0.0.1:5213"))), { ok: true, lines: [/^127\.0\.0\.1:5213$/] });
  t.notOk(ok(judgeDaemonPort(ran(""))));
  for (const [version, good] of [
    ["2.31", true],
    ["2.29", true],
    ["2.27", false],
    ["3.0", true],
  ] as const)
    t.equal(ok(judgeGlibc(ran(`ldd (Ubuntu GLIBC 2.x-0ubuntu9) ${version}\n`))), good, version);
  const memory = (kB: number) => ran(`MemTotal: 99 kB\nMemAvailable:   ${kB} kB\n`);
  t.ok(ok(judgeMemory(memory(102_400), 79)), "100 MiB free hold a dump of 79");
  t.notOk(ok(judgeMemory(memory(102_400), 80)), "80 % of them do not hold 80");
  const facts = {
    kernel: "Linux",
    kernelRelease: "5.15",
    arch: "x86_64",
    bootId: "",
    uptimeS: 1,
    cpuCount: 8,
    cpuModel: "",
    memoryBytes: 1,
    memoryAvailableBytes: 1,
    modules: [],
    commandLine: "",
  };
  const disks = [
    { mount: "/", sizeBytes: 0, freeBytes: 100 * 2 ** 30 },
    { mount: "/opt", sizeBytes: 0, freeBytes: 10 * 2 ** 30 },
  ];
  t.ok(ok(judgeMachine({ ...facts, disks }, ["/var/lib/docker"], 60)));
  t.match(reason(judgeMachine({ ...facts, disks }, ["/opt/phos/PhoenixOS"], 60)), /10 GiB free on \/opt/);
  t.match(reason(judgeMachine({ ...facts, disks, arch: "aarch64" }, ["/var"], 60)), /built for x86_64/);
  const commit = "a".repeat(40);
  t.match(judgeRemote(ran(`${commit}\trefs/heads/main\n`), "main"), { outputs: { refCommit: commit } });
  t.match(
    judgeRemote(ran(`${"b".repeat(40)}\trefs/tags/v1\n${commit}\trefs/tags/v1^{}\n`), "v1"),
    { outputs: { refCommit: commit } },
    "what a tag points to",
  );
  t.match(reason(judgeRemote(ran(""), "nope")), /no branch or tag nope/);
});

t.test("a container is ours by its label, and only then touched", async (t) => {
  const design = planDesign(phosInput());
  if ("problems" in design) throw new Error("cannot be planned");
  const config = "phoenixos/pytorch:11.3-ubuntu20.04 all /opt/phos/PhoenixOS:/root /var/lib/phos/checkpoints:/checkpoints";
  const inspected = (status: string, labels: object | null) =>
    ran(JSON.stringify([{ State: { Status: status }, Config: { Labels: labels } }]));
  const ours = { "labd.deployment": "phos", "labd.config": config };
  t.match(judgeOwner(ran("[]\n", 1, "Error response from daemon: No such container: phos_phos"), design), {
    ok: true,
    outputs: { container: "absent" },
  });
  t.match(judgeOwner(inspected("running", ours), design), { ok: true, outputs: { container: "ours", running: true } });
  t.match(judgeOwner(inspected("exited", { ...ours, "labd.config": "else" }), design), {
    ok: true,
    outputs: { container: "stale", running: false },
  });
  for (const labels of [null, {}, { "labd.deployment": "another" }]) t.ok(isFinal(judgeOwner(inspected("running", labels), design)));
  t.notOk(ok(judgeOwner(ran("", 1, "Cannot connect to the Docker daemon"), design)));
  t.ok(ok(judgeRunning(inspected("running", ours), design)));
  t.notOk(ok(judgeRunning(inspected("exited", ours), design)));
  t.notOk(ok(judgeGone(inspected("exited", ours), design)));
  t.ok(ok(judgeGone(ran("[]", 1, "Error: No such container: phos_phos"), design)));
});

t.test("build.sh is judged by its words", async (t) => {
  t.equal(buildResult(ran("[32mAll system go, PhOS is go for launch :)[0m\n")).result, "done");
  t.equal(buildResult(ran("[NOT FINISHED YET!] rustup…\n")).result, "unfinished");
  t.equal(buildResult(ran("building…\n")).result, "silent");
  t.match(buildResult(ran("", 1, "failed, please see log at build_CRIU.log\n")), {
    result: "failed",
    log: "/root/build_log/build_CRIU.log",
  });
  t.match(buildResult(ran("All system go, PhOS is go for launch :)\nfailed, please see log at /x/y.log\n")), {
    result: "failed",
    log: "/x/y.log",
  });
  t.equal(buildResult(ran("All system go, PhOS is go for launch :)\n", 2)).result, "failed");
  const judged = (said: string, isLast: boolean) => judgePass({ said, log: "/l", lines: ["why"] }, isLast, ran("last words\n"));
  t.ok(ok(judged("done", true)));
  t.ok(ok(judged("unfinished", false)));
  t.notOk(ok(judged("unfinished", true)));
  t.match(judged("failed", false), { ok: false, lines: ["why", "last words"] });
  t.notOk(ok(judged("silent", false)));
});

t.test("assets, submodules, installed files, the variable", async (t) => {
  const names = ["assets", "assets/go1.23.2.linux-amd64.tar.gz", "assets/nsight-systems.deb", "third_party/libclang-static-build"];
  t.ok(ok(judgeAssets(ran(names.join("\n")))));
  t.match(reason(judgeAssets(ran(names.slice(0, 2).join("\n")))), /not there: libclang, Nsight/);
  t.match(reason(judgeAssets(ran([...names, "assets/nsight-systems.deb.1"].join("\n")))), /downloaded twice/);
  t.ok(ok(judgeSubmodules(ran(` ${"a".repeat(40)} third_party/criu (v1)\n`))));
  for (const mark of ["-", "+", "U"]) t.notOk(ok(judgeSubmodules(ran(`${mark}${"a".repeat(40)} third_party/criu\n`))));
  const files = [
    "/usr/local/bin/pos_cli",
    "/usr/local/bin/xpu-server",
    "/lib/x86_64-linux-gnu/libpos.so",
    "/lib/x86_64-linux-gnu/libxpuclient.so",
  ];
  const stat = (second: number) => ran(files.map((file) => `${second} ${file}\n`).join(""));
  t.ok(ok(judgeInstalled(stat(100), 100)));
  t.match(reason(judgeInstalled(stat(99), 100)), /older than this build/);
  t.match(reason(judgeInstalled(ran("100 /usr/local/bin/pos_cli\n", 1), 0)), /not installed: \/usr\/local\/bin\/xpu-server/);
  t.ok(ok(judgeProfile(ran('export phos="LD_PRELOAD=libxpuclient.so RUST_LOG=error"\n'))));
  t.notOk(ok(judgeProfile(ran("phos=\n"))));
});

t.test("a dump is done when it says so and nothing else", async (t) => {
  t.match(judgeDump(ran("[POS Log] dump done\n"), 60), { ok: true, outputs: { dumpMs: 2500, dumpedMs: 3500 } });
  t.match(reason(judgeDump(ran("dump failed, gpu-side dump failed\n"), 60)), /ended with 0/);
  t.match(reason(judgeDump(ran("dump done\nError (criu/cr-dump.c:1): Dumping FAILED.\n"), 60)), /Error \(/);
  t.match(reason(judgeDump(ran(""), 60)), /without saying "dump done"/);
  for (const exitCode of [124, 137]) t.match(reason(judgeDump(ran("", exitCode), 60)), /no answer within 60 s/);
  t.match(reason(judgeDump({ ...ran(""), exitCode: undefined, state: "timed-out" }, 60)), /no answer/);
  t.match(reason(judgeDump(ran("Dirty tracking is OFF. Memory snapshot will not be incremental.\n"), 60)), /Dirty tracking/);
});

t.test("an image is whole with CRIU's files and the GPU's", async (t) => {
  const files = ["10 inventory.img", "99 pages-1.img", "5 pstree.img", "7 stats-dump", "400 h-cuda_memory-0.bin"];
  t.match(judgeImage(ran(files.join("\n"))), { ok: true, outputs: { bytes: 521, files: 5 } });
  t.match(reason(judgeImage(ran(files.slice(1).join("\n")))), /inventory\.img/);
  t.match(reason(judgeImage(ran(files.filter((file) => !file.includes("pages")).join("\n")))), /pages-\*\.img/);
  t.match(reason(judgeImage(ran(files.slice(0, 4).join("\n")))), /files of the GPU/);
  t.match(reason(judgeImage(ran([...files.slice(0, 4), "0 h-cuda_memory-0.bin"].join("\n")))), /files of the GPU/, "an empty file is none");
  const hash = (digit: string, name: string) => `${digit.repeat(64)}  ./${name}\n`;
  const original = judgeHashes(ran(hash("b", "b") + hash("a", "a")));
  const wanted = original.ok ? (original.outputs?.["sha256"] as string[]) : [];
  t.ok(ok(judgeCopy(ran(hash("a", "a") + hash("b", "b")), wanted)), "in whatever order");
  t.notOk(ok(judgeCopy(ran(hash("a", "a")), wanted)));
  t.notOk(ok(judgeCopy(ran(hash("a", "a") + hash("c", "b")), wanted)));
  t.notOk(ok(judgeCopy(ran(hash("a", "a") + hash("b", "b") + hash("d", "d")), wanted)), "a file too many is of another image");
  t.notOk(ok(judgeHashes(ran(""))));
});

t.test("processes and mounts", async (t) => {
  t.ok(ok(judgeProcessGone(ran("", 1), 77)));
  t.ok(ok(judgeProcessGone(ran("Z\n"), 77)), "a zombie is gone");
  t.notOk(ok(judgeProcessGone(ran("Sl\n"), 77)));
  t.notOk(ok(judgeProcessGone(ran("", 126), 77)), "docker that fails proves nothing");
  t.ok(ok(judgeProcessAlive(ran("Rl\n"), 77)));
  for (const seen of [ran("", 1), ran("Z\n")]) t.notOk(ok(judgeProcessAlive(seen, 77)));
  const down = { ...ran("", 1), stderr: "Error response from daemon: container 4f1c is not running\n" };
  for (const judged of [judgeProcessGone(down, 77), judgeNoClient(down), judgeUnmounted(down, "/var/tmp/phos-dump")])
    t.notOk(ok(judged), "the silence of a container that is down is no absence");
  t.ok(ok(judgeNoClient(ran("", 1))));
  t.notOk(ok(judgeNoClient(ran("99 pos_cli --dump --dir /x --pid 1\n"))));
  t.ok(ok(judgeUnmounted(ran("/dev\n/var/tmp/phos-dump-of-others\n"), "/var/tmp/phos-dump")));
  t.notOk(ok(judgeUnmounted(ran("/var/tmp/phos-dump/r-1\n"), "/var/tmp/phos-dump")));
});

t.test("a restore is done when it says so, or when CRIU has restored and waits in the foreground", async (t) => {
  t.match(judgeRestore(job("restore done\n"), 60), { ok: true, outputs: { restoreMs: 2500 } });
  t.ok(ok(judgeRestore(job("Restore time: 310243 us\n", running), 60)));
  t.match(judgeRestore(job("Restore time: 310243 us\n", running), 60), { outputs: { restoreMs: 310 } });
  t.notOk(isFinal(judgeRestore(job("", running), 60)), "not yet");
  t.match(reason(judgeRestore(job("", running), 60)), /daemon is down or hangs/);
  t.match(reason(judgeRestore(job("Restore time: 310243 us\n"), 60)), /without saying "restore done"/, "it has ended: now it must say so");
  t.ok(isFinal(judgeRestore(job("gpu restore failed, no such handle\n"), 60)));
  t.ok(isFinal(judgeRestore(job("restore done\nError (criu/files.c:1): bad\n"), 60)));
  t.match(reason(judgeRestore(job("", { exitCode: 124 }), 60)), /no answer within 60 s/);
});

t.test("what was restored goes on past the iteration it was dumped at", async (t) => {
  const resnet = sampleOf("resnet");
  const line = (n: number) => `itetration ${n} duration: 321 ms\n`;
  t.match(judgeContinues(ran(line(43) + line(44)), resnet, 42), { ok: true, outputs: { resumedAt: 43, reached: 44, seenMs: 1000 } });
  t.match(reason(judgeContinues(ran(line(1) + line(2)), resnet, 42)), /not the program that was dumped/);
  t.ok(isFinal(judgeContinues(ran(line(42)), resnet, 42)), "the same once more is no progress");
  t.notOk(isFinal(judgeContinues(ran(""), resnet, 42)), "not yet");
  t.match(judgeContinues(ran("more text"), sampleOf("llama2-13b-chat-hf"), 100), { ok: true, outputs: { resumedAt: 109 } });
});

t.test("how far each sample is can be read from what it prints", async (t) => {
  const at = (name: Parameters<typeof sampleOf>[0], text: string) => {
    const verdict = judgeProgress(ran(text), sampleOf(name));
    return verdict.ok ? verdict.outputs?.["at"] : undefined;
  };
  t.equal(at("resnet", "process id: 7\nitetration 5 duration: 300 ms\n"), 5);
  t.equal(at("resnet", "  3%|▎ | 51/1563 [00:21<09:01]\r  3%|▎ | 52/1563 [00:22<09:00]\r"), 52, "tqdm's line, written over and over");
  t.equal(at("resnet", "process id: 7\n"), undefined);
  t.equal(at("diffusion", "Epoch 2, Step 3, Loss: 0.5\n"), 28);
  t.equal(at("ppo", "steps: 15.00k, duration: 3 ms\n"), 15_000);
  t.equal(at("llama2-13b-chat-hf", "abc"), 3);
});

t.test("the resnet sample is tamed once and for all", async (t) => {
  const wild =
    "print_statistics_per_iter = False\n            if i == 32:\n                phos.predump(pid, mode='cow')\n            if nb_iteration == 64:\n                break\n";
  const { text } = tameSample(wild);
  t.equal(
    text,
    "print_statistics_per_iter = True\n            if i == 32:\n                pass  # checkpoints are labd's\n            if False:\n                break\n",
  );
  t.equal(tameSample(text).text, text);
});
