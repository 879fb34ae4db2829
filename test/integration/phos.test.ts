/**
 * PhOS on a simulated machine: deployed, exercised, taken back; and every way in which it can go wrong, told by the step that has to
 * tell it (facts: PhOS §2, §3, §4).
 */
import t, { type Test } from "tap";
import { type PhosFault, phosFaults } from "../../agent/sim/phos/faults.js";
import type { RunState } from "../../controller/deploy/run-state.js";
import { phos } from "../../controller/recipes/phos/phos.js";
import { PhosBench } from "../support/phos-sim/lab.js";

t.setTimeout(280_000);

interface Broken {
  readonly fault: PhosFault;
  readonly step: string;
  readonly summary: RegExp;
  /** A line the failure shows. */
  readonly shows?: RegExp;
}

function checkFailure(t: Test, run: RunState, { step, summary, shows }: Omit<Broken, "fault">): void {
  t.equal(run.status, "failed");
  t.match(run.failure, { step, node: "gpu0", summary, blame: "system" });
  const lines = run.failure?.evidence.flatMap(({ source }) => (source.kind === "command" ? source.lines : [])) ?? [];
  if (shows !== undefined)
    t.ok(
      lines.some((line) => shows.test(line)),
      `shows ${String(shows)}, of ${JSON.stringify(lines)}`,
    );
}

t.test("a machine gets PhOS, checkpoints are taken and restored, and nothing is left in the end", { timeout: 120_000 }, async (t) => {
  const bench = await PhosBench.start(t);
  t.match(await bench.deploy(), { status: "succeeded", failure: undefined });

  await t.test("the daemon stays, the sample does not", async (t) => {
    t.match(await bench.command("docker", "exec", "phos_phos", "pgrep", "-x", "xpu-server"), { exitCode: 0 });
    t.match(await bench.command("docker", "exec", "phos_phos", "pgrep", "-f", "labd_"), { exitCode: 1 });
    t.match(await bench.command("nvidia-smi", "--query-compute-apps=pid,process_name"), { stdout: /xpu-server\n$/ });
  });

  await t.test("an exercise takes and restores as many checkpoints as asked, and tells them in a table", async (t) => {
    const run = await bench.exercise({ checkpointEvery: "500ms", checkpoints: 2 });
    t.match(run, { status: "succeeded", failure: undefined });
    const [table] = phos.reports?.(run.outputs) ?? [];
    if (table?.kind !== "table") throw new Error("no table");
    t.equal(table.rows.length, 2);
    for (const [number, at, , bytes, , wentOnAt, reached] of table.rows) {
      t.ok(Number(at) > 0 && Number(bytes) > 0);
      t.equal(wentOnAt, Number(at) + 1, `checkpoint ${String(number)} goes on with the next iteration`);
      t.ok(Number(reached) >= Number(wentOnAt));
    }
  });

  await t.test("what the interrupted sample printed is what an uninterrupted one prints", async (t) => {
    const log = await bench.command("cat", "/opt/phos/PhoenixOS/examples/resnet/labd.log");
    const numbers = [...log.stdout.matchAll(/^itetration (\d+) duration/gm)].map(([, number]) => Number(number));
    t.same(
      numbers,
      numbers.map((_, index) => index + 1),
      "each iteration once, in order",
    );
  });

  await t.test("a second deploy builds nothing again", async (t) => {
    const began = Date.now();
    const run = await bench.deploy();
    t.match(run, { status: "succeeded", failure: undefined });
    t.notOk(run.outputs["build/gpu0/pass-1"]?.["said"], "no pass was run");
    t.ok(Date.now() - began < 60_000);
  });

  await t.test("undeploy leaves the clone as it was cloned, image and checkpoints, and nothing else", async (t) => {
    t.match(await bench.undeploy(), { status: "succeeded", failure: undefined });
    t.match(await bench.command("docker", "ps", "-a"), { stdout: /NAMES\n$/ });
    t.match(await bench.command("git", "-C", "/opt/phos/PhoenixOS", "status", "--porcelain", "--ignored"), { stdout: "" });
    t.match(await bench.command("docker", "images"), { stdout: /phoenixos/ });
    t.match(await bench.command("find", "/var/lib/phos/checkpoints", "-type", "f"), { stdout: /\/2\/inventory\.img/ });
    t.same(await bench.lab.leases.list(), []);
  });
});

const fromTheStart: readonly Broken[] = [
  { fault: "docker-down", step: "check/gpu0", summary: /docker does not answer/ },
  { fault: "rootless-docker", step: "check/gpu0", summary: /without root/ },
  { fault: "old-driver", step: "check/gpu0", summary: /driver is 460; CUDA 11\.3 needs 465/ },
  { fault: "hopper", step: "check/gpu0", summary: /capability 9\.0.*CUDA 11\.3 knows no Hopper/ },
  { fault: "pascal", step: "check/gpu0", summary: /capability 6\.0.*too old/ },
  { fault: "gpu-memory-held", step: "check/gpu0", summary: /does not fit into 80 % of the free memory/ },
  { fault: "no-network", step: "check/gpu0", summary: /repository does not answer/, shows: /Could not resolve host/ },
  { fault: "foreign-container", step: "check/gpu0", summary: /container phos_phos exists that is not of this deployment/ },
  { fault: "busy-gpu", step: "quiet/gpu0", summary: /python3/ },
  { fault: "daemon-port-taken", step: "quiet/gpu0", summary: /UDP 5213 is taken/ },
  { fault: "client-port-taken", step: "quiet/gpu0", summary: /UDP 10086 is taken/ },
  { fault: "no-toolkit", step: "image/gpu0", summary: /no container with GPUs starts/, shows: /could not select device driver/ },
  { fault: "foreign-clone", step: "clone/gpu0", summary: /is not a clone of/ },
  { fault: "submodules-missing", step: "clone/gpu0", summary: /2 submodules are not as the commit wants them/, shows: /^-[0-9a-f]{40}/ },
  { fault: "assets-fail", step: "assets/gpu0", summary: /download_assets\.sh" ended with exit code 1/, shows: /503/ },
  {
    fault: "build-fails",
    step: "build/gpu0/pass-2",
    summary: /build\.sh failed, see \/root\/build_log\/build_PhOS-Core\.log/,
    shows: /cudaGraphExec_t/,
  },
  { fault: "build-never-finishes", step: "build/gpu0/pass-3", summary: /NOT FINISHED YET! in its last pass|\[NOT FINISHED YET!\]/ },
  { fault: "build-says-nothing", step: "build/gpu0/pass-2", summary: /without saying "All system go"/ },
  { fault: "build-installs-half", step: "build/gpu0/installed", summary: /not installed: \/lib\/x86_64-linux-gnu\/libpos\.so/ },
  { fault: "build-installs-nothing-new", step: "build/gpu0/installed", summary: /not installed:/ },
  { fault: "build-forgets-profile", step: "build/gpu0/installed", summary: /no variable phos/ },
];

/** On a machine that has PhOS: what was built stands, and the daemon is new in each deploy. */
const inDeployment: readonly Broken[] = [
  { fault: "daemon-dies", step: "daemon/gpu0", summary: /nothing listens on UDP 5213/ },
  { fault: "daemon-deaf", step: "daemon/gpu0", summary: /nothing listens on UDP 5213/ },
  { fault: "daemon-logs-nothing", step: "daemon/gpu0", summary: /no log of the daemon/ },
  { fault: "sample-crashes", step: "sample/gpu0", summary: /the sample failed/, shows: /no kernel image/ },
];

const inExercise: readonly Broken[] = [
  { fault: "sample-silent", step: "sample/gpu0", summary: /no iteration printed yet/ },
  { fault: "big-model", step: "ready/gpu0/1", summary: /does not fit into 80 % of the free memory/ },
  { fault: "daemon-hangs", step: "dump/gpu0/1", summary: /gave no answer within 5 s: .*the daemon is down or hangs/ },
  { fault: "dump-fails", step: "dump/gpu0/1", summary: /dump failed, though pos_cli ended with 0/, shows: /gpu-side dump failed/ },
  { fault: "dump-says-nothing", step: "dump/gpu0/1", summary: /ended with 0 without saying "dump done"/ },
  { fault: "dump-leaves-program", step: "dump/gpu0/1", summary: /still runs/ },
  { fault: "dump-without-gpu", step: "dump/gpu0/1", summary: /files of the GPU/ },
  { fault: "copy-corrupts", step: "keep/gpu0/1", summary: /the copy is not the image/ },
  { fault: "unmount-busy", step: "unmount/gpu0/1", summary: /still mounted/ },
  { fault: "restore-gpu-fails", step: "restore/gpu0/1", summary: /restore failed: .*gpu restore failed/ },
  { fault: "restore-criu-fails", step: "restore/gpu0/1", summary: /restore failed: Error \(criu/ },
  { fault: "restore-says-nothing", step: "restore/gpu0/1", summary: /ended with 0 without saying "restore done"/ },
  { fault: "restore-stops", step: "restore/gpu0/1", summary: /nothing printed since iteration/ },
  { fault: "restore-begins-again", step: "restore/gpu0/1", summary: /this is not the program that was dumped/ },
];

t.test("a driver that does not tell the capability is no reason to refuse a GPU that has it", async (t) => {
  const bench = await PhosBench.start(t, { faults: ["older-driver-query", "busy-gpu"] });
  const run = await bench.deploy();
  t.match(run.steps["check/gpu0"], { status: "succeeded" });
  t.match(run.failure, { step: "quiet/gpu0" });
});

t.test("every fault of the machine is tried", async (t) => {
  const tried = [...fromTheStart, ...inExercise, ...inDeployment].map(({ fault }) => fault);
  t.same(
    phosFaults.filter((fault) => !tried.includes(fault)).sort(),
    ["older-driver-query", "restore-in-foreground"],
    "but those that are no failure",
  );
});

t.test("what is wrong with the machine or the build is told", { timeout: 200_000 }, async (t) => {
  for (const broken of fromTheStart) {
    await t.test(broken.fault, { timeout: 60_000 }, async (t) => {
      const bench = await PhosBench.start(t, { faults: [broken.fault] });
      checkFailure(t, await bench.deploy(), broken);
      t.same(await bench.lab.leases.list(), [], "the node is free again");
    });
  }
});

t.test("what goes wrong with daemon, sample, dump and restore is told", { timeout: 200_000 }, async (t) => {
  const bench = await PhosBench.start(t, { with: { dumpWithinS: 5, restoreWithinS: 5, daemonWithinS: 3, firstIterationWithinS: 6 } });
  t.match(await bench.deploy(), { status: "succeeded", failure: undefined });
  for (const broken of inExercise) {
    await t.test(broken.fault, { timeout: 90_000 }, async (t) => {
      bench.break(broken.fault);
      checkFailure(t, await bench.exercise({ checkpointEvery: "300ms", checkpoints: 1 }), broken);
      bench.break();
    });
  }
  await t.test("a restore that stays in the foreground is one as well, again and again", async (t) => {
    bench.break("restore-in-foreground");
    t.match(await bench.exercise({ checkpointEvery: "300ms", checkpoints: 2 }), { status: "succeeded", failure: undefined });
    bench.break();
  });
  for (const broken of inDeployment) {
    await t.test(broken.fault, { timeout: 140_000 }, async (t) => {
      bench.break(broken.fault);
      checkFailure(t, await bench.deploy(), broken);
      bench.break();
    });
  }
  t.match(await bench.undeploy(), { status: "succeeded", failure: undefined });
});
