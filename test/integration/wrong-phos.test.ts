/**
 * A wrong PhOS recipe fails on a simulated machine as it would on iron (facts: PhOS §2, §3), and the run says where and why. Each is
 * the recipe with one of its precautions taken away, or with what the upstream texts say in place of it.
 */
import t, { type Test } from "tap";
import type { Act, Look, Recipe, Step } from "../../controller/deploy/recipe.js";
import type { RunState } from "../../controller/deploy/run-state.js";
import { phos } from "../../controller/recipes/phos/phos.js";
import { PhosBench } from "../support/phos-sim/lab.js";
import { type Alteration, altered, altering, hasty, insteadDoing, unlooked } from "../support/wrong-recipe/altered-recipe.js";

t.setTimeout(280_000);

interface Wrong {
  readonly says: string;
  readonly alterations: readonly Alteration[];
  readonly step: string;
  readonly summary: RegExp;
  readonly shows?: RegExp;
}

function checkFailure(t: Test, run: RunState, { step, summary, shows }: Wrong): void {
  t.equal(run.status, "failed");
  t.match(run.failure, { step, summary, blame: "system" });
  const lines = run.failure?.evidence.flatMap(({ source }) => (source.kind === "command" ? source.lines : [])) ?? [];
  if (shows !== undefined)
    t.ok(
      lines.some((line) => shows.test(line)),
      `shows ${String(shows)}, of ${JSON.stringify(lines)}`,
    );
}

/** The step's commands with other words. */
function rewording(step: string, reword: (argv: readonly string[]) => readonly string[]): Alteration {
  const change = (act: Act): Act => (act.kind === "command" || act.kind === "start" ? { ...act, argv: reword(act.argv) } : act);
  return altering(step, (of) => ({ ...of, acts: (known) => (of.acts?.(known) ?? []).map(change) }));
}

/** The step without those of its acts. */
function omitting(step: string, isLeftOut: (act: Act) => boolean): Alteration {
  return altering(step, (of) => ({ ...of, acts: (known) => (of.acts?.(known) ?? []).filter((act) => !isLeftOut(act)) }));
}

const says = (act: Act, text: string) => (act.kind === "command" || act.kind === "start") && act.argv.join(" ").includes(text);
const without = (text: string) => (argv: readonly string[]) => argv.filter((word) => word !== text);
const everyPass = (change: (pass: string) => Alteration) => [1, 2, 3].map((pass) => change(`build/gpu0/pass-${pass}`));
const node = "gpu0";

/** Nothing stands already. */
const never: Look = { kind: "facts", claim: "never", withinMs: 1000, judge: () => ({ ok: false, reason: "never" }) };

const builds: readonly Wrong[] = [
  {
    says: "the script that starts a container and ends in an exec with a terminal",
    alterations: [
      insteadDoing(`container/${node}`, () => [
        { kind: "command", argv: ["docker", "run", "-it", "--name", "phos_phos", "busybox", "sh"], timeoutMs: 10_000 },
      ]),
    ],
    step: `container/${node}`,
    summary: /ended with exit code 1/,
    shows: /the input device is not a TTY/,
  },
  {
    says: "a clone without its submodules is seen at once",
    alterations: [rewording(`clone/${node}`, without("--recurse-submodules"))],
    step: `clone/${node}`,
    summary: /3 submodules are not as the commit wants them/,
    shows: /^-[0-9a-f]{40} third_party\/criu/,
  },
  {
    says: "a container without GPUs",
    alterations: [
      rewording(`container/${node}`, (argv) => argv.filter((word, index) => word !== "--gpus" && argv[index - 1] !== "--gpus")),
    ],
    step: `container/${node}`,
    summary: /its GPUs are visible inside: no container with GPUs/,
  },
  {
    says: "assets downloaded once more leave copies",
    alterations: [
      altering(`assets/${node}`, (of) => ({
        ...of,
        acts: (known) => (of.acts?.(known) ?? []).flatMap((act) => (says(act, "download_assets") ? [act, act] : [act])),
      })),
    ],
    step: `assets/${node}`,
    summary: /downloaded twice: go1\.23\.2\.linux-amd64\.tar\.gz\.1/,
  },
  {
    says: "no development files of ibverbs, and nobody looks: the build says where its log is",
    alterations: [omitting(`assets/${node}`, (act) => says(act, "apt-get install")), unlooked(`assets/${node}`)],
    step: `build/${node}/pass-2`,
    summary: /build_PhOS-Remoting\.log/,
    shows: /infiniband\/verbs\.h: No such file or directory/,
  },
  {
    says: "a build that does not wait for cargo",
    alterations: [unlooked(`build/${node}/cargo`)],
    step: `build/${node}/pass-3`,
    summary: /\[NOT FINISHED YET!\] in its last pass/,
  },
  {
    says: "a build that does not load /etc/profile",
    alterations: everyPass((pass) => rewording(pass, without("-l"))),
    step: `build/${node}/pass-3`,
    summary: /\[NOT FINISHED YET!\] in its last pass/,
  },
  {
    says: "an exit code of 0 taken for a build",
    alterations: [
      insteadDoing(`build/${node}/pass-2`, () => []),
      insteadDoing(`build/${node}/pass-3`, () => []),
      ...everyPass(unlooked),
      ...everyPass((pass) => altering(pass, (of) => ({ ...of, standing: [never] }))),
    ],
    step: `build/${node}/installed`,
    summary: /not installed: \/usr\/local\/bin\/pos_cli/,
  },
  {
    says: "-p, which older texts name",
    alterations: everyPass((pass) => rewording(pass, (argv) => [...argv, "-p"])),
    step: `build/${node}/pass-1`,
    summary: /build\.sh failed/,
    shows: /flag provided but not defined: -p/,
  },
  {
    says: "-c, which overrides -i",
    alterations: everyPass((pass) => rewording(pass, (argv) => [...argv, "-c"])),
    step: `build/${node}/pass-1`,
    summary: /without saying "All system go"/,
  },
];

t.test("a wrong way to a container or through the build", { timeout: 150_000 }, async (t) => {
  const bench = await PhosBench.start(t);
  for (const wrong of builds) {
    await t.test(wrong.says, { timeout: 60_000 }, async (t) => {
      checkFailure(t, await bench.deploy(altered(phos, wrong.alterations)), wrong);
      // Nothing of this try is left for the next one.
      await bench.undeploy();
      await bench.command("docker", "rm", "-f", "phos_phos");
      await bench.lab.node("gpu0").files.remove("/opt/phos/PhoenixOS", { fence: { leaseId: "", epoch: 0n }, recursive: true });
    });
  }
});

const withoutTimeLimit = (argv: readonly string[]) => [
  ...argv.slice(0, argv.indexOf("timeout")),
  ...argv.slice(argv.indexOf("timeout") + 4),
];

const checkpoints: readonly Wrong[] = [
  {
    says: "a sample without $phos is no client of the daemon: its dump fails with exit code 0",
    alterations: [altering(`sample/${node}`, (of) => editing(of, "labd_sample.sh", (text) => text.replace("env $phos ", "")))],
    step: `dump/${node}/1`,
    summary: /dump failed, though pos_cli ended with 0/,
  },
  {
    says: "a sample without pos.yaml",
    alterations: [
      altering(`sample/${node}`, (of) => omit(of, (act) => act.kind === "write-file" && act.path.endsWith("pos.yaml"), "pos.yaml")),
    ],
    step: `sample/${node}`,
    summary: /the sample failed/,
    shows: /pos\.yaml/,
  },
  {
    says: "Python that holds its output back",
    alterations: [
      altering(`sample/${node}`, (of) => editing(of, "labd_sample.sh", (text) => text.replace(" -u ", " "))),
      hasty(`sample/${node}`, 8000),
    ],
    step: `sample/${node}`,
    summary: /it has printed nothing yet/,
  },
  {
    says: "the resnet sample as it is prints no iterations",
    alterations: [omitting(`sample/${node}`, (act) => act.kind === "edit-file"), hasty(`sample/${node}`, 8000)],
    step: `sample/${node}`,
    summary: /no iteration printed yet/,
  },
  {
    says: "a dump into a directory that is there",
    alterations: [
      altering(`dump/${node}/1`, (of) => ({
        ...of,
        acts: (known) => (of.acts?.(known) ?? []).flatMap((act) => (says(act, " mkdir /") ? [act, act] : [act])),
      })),
    ],
    step: `dump/${node}/1`,
    summary: /mkdir .* ended with exit code 1/,
    shows: /File exists/,
  },
  {
    says: "an exit code of 0 taken for a dump: no image, and the program runs on",
    alterations: [
      altering(`sample/${node}`, (of) => editing(of, "labd_sample.sh", (text) => text.replace("env $phos ", ""))),
      altering(`dump/${node}/1`, (of) => ({
        ...of,
        acts: (known) => (of.acts?.(known) ?? []).map((act) => (act.kind === "command" ? { ...act, expect: () => ({ ok: true }) } : act)),
      })),
    ],
    step: `dump/${node}/1`,
    summary: /still runs/,
  },
  {
    says: "docker cp does not see what PhOS has mounted",
    alterations: [
      altering(`keep/${node}/1`, (of) => ({
        ...of,
        acts: (known) => [
          {
            kind: "command",
            argv: ["docker", "cp", `phos_phos:/var/tmp/phos-dump/${known.runId}-1/inventory.img`, "/tmp/"],
            timeoutMs: 10_000,
          },
        ],
      })),
    ],
    step: `keep/${node}/1`,
    summary: /ended with exit code 1/,
    shows: /Could not find the file/,
  },
  {
    says: "an image copied after it was unmounted is gone",
    alterations: [
      altering(`keep/${node}/1`, (of) => ({
        ...of,
        acts: (known) => [
          { kind: "command", argv: ["docker", "exec", "phos_phos", "umount", `/var/tmp/phos-dump/${known.runId}-1`], timeoutMs: 10_000 },
          ...(of.acts?.(known) ?? []),
        ],
      })),
    ],
    step: `keep/${node}/1`,
    summary: /the image cannot be read/,
  },
  {
    says: "a restore of a directory that holds no image",
    alterations: [rewording(`restore/${node}/1`, (argv) => [...argv.slice(0, -1), "/tmp"])],
    step: `restore/${node}/1`,
    summary: /restore failed: .*gpu restore failed/,
  },
  {
    says: "an action that is not there",
    alterations: [rewording(`restore/${node}/1`, (argv) => argv.map((word) => (word === "--restore" ? "--pre-restore" : word)))],
    step: `restore/${node}/1`,
    summary: /POS_ERROR.*unspecified action/,
  },
  {
    says: "a dump without a time limit hangs when the daemon is gone; the act's own limit ends only docker's client",
    alterations: [
      rewording(`dump/${node}/1`, (argv) => (argv.includes("timeout") ? withoutTimeLimit(argv) : argv)),
      altering(`dump/${node}/1`, (of) => ({
        ...of,
        acts: (known) => [
          { kind: "command", argv: ["docker", "exec", "phos_phos", "pkill", "-KILL", "-x", "xpu-server"], timeoutMs: 5000 },
          ...(of.acts?.(known) ?? []).map((act): Act => (says(act, "--dump") ? ({ ...act, timeoutMs: 2000 } as Act) : act)),
        ],
      })),
    ],
    step: `dump/${node}/1`,
    summary: /gave no answer within/,
  },
];

/** One of the files a step writes, with another text. */
function editing(step: Step, name: string, edit: (text: string) => string): Step {
  const change = (act: Act): Act => (act.kind === "write-file" && act.path.endsWith(name) ? { ...act, contents: edit(act.contents) } : act);
  return { ...step, acts: (known) => (step.acts?.(known) ?? []).map(change) };
}

/** A file is not written, nor is one of an earlier run there. */
function omit(step: Step, isLeftOut: (act: Act) => boolean, name: string): Step {
  const change = (act: Act): Act => (isLeftOut(act) ? { kind: "remove-file", path: `/opt/phos/PhoenixOS/examples/resnet/${name}` } : act);
  return { ...step, acts: (known) => (step.acts?.(known) ?? []).map(change) };
}

t.test("a wrong way to a checkpoint, or back", { timeout: 150_000 }, async (t) => {
  const bench = await PhosBench.start(t, { with: { dumpWithinS: 5, restoreWithinS: 5 } });
  const deploy = async () => t.match(await bench.deploy(), { status: "succeeded", failure: undefined });
  await deploy();
  for (const wrong of checkpoints) {
    await t.test(wrong.says, { timeout: 60_000 }, async (t) => {
      const recipe: Recipe = altered(phos, wrong.alterations);
      checkFailure(t, await bench.exercise({ checkpointEvery: "200ms", checkpoints: 1 }, recipe), wrong);
      t.match(await bench.command("docker", "exec", "phos_phos", "pgrep", "-f", "labd_"), { exitCode: 1 }, "no program is left behind");
    });
  }
  await t.test("whoever dumps into a directory with files in it loses them, whatever comes of the dump", async (t) => {
    const inside = (...argv: string[]) => bench.command("docker", "exec", "phos_phos", ...argv);
    await inside("mkdir", "/tmp/theses");
    await bench.input("years of it\n", "docker", "exec", "-i", "phos_phos", "tee", "/tmp/theses/thesis");
    t.match(await inside("timeout", "5", "pos_cli", "--dump", "--dir", "/tmp/theses", "--pid", "4711"), { exitCode: 124 });
    await inside("umount", "/tmp/theses");
    t.match(await inside("cat", "/tmp/theses/thesis"), { exitCode: 1 });
  });
  await t.test("a daemon that is ended by ending docker's client runs on", async (t) => {
    await deploy();
    const recipe = altered(phos, [omitting(`programs/${node}`, (act) => act.kind === "command"), hasty(`programs/${node}`, 1000)]);
    t.match((await bench.undeploy(recipe)).failure, { step: `programs/${node}`, summary: /xpu-server/ });
    t.match(await bench.undeploy(), { status: "succeeded" });
  });
});

t.test("what is set under a name the reader does not know has no effect; the recipe refuses it", async (t) => {
  const bench = await PhosBench.start(t);
  await t.rejects(
    bench.deploy(phos as Recipe, { buildConfig: { eval_ckpt_enable_increamental: true } }),
    /its reader expects eval_ckpt_enable_incremental/,
  );
  await t.rejects(bench.deploy(phos as Recipe, { buildConfig: { runtime_target_version: "11.8" } }), /for CUDA 11\.3 only/);
  t.match((await bench.deploy(phos as Recipe, { image: "nvidia/cuda:11.3.1-cudnn8-devel-ubuntu18.04" })).failure, {
    step: "image/gpu0",
    summary: /glibc 2\.27; compiling CRIU needs 2\.29/,
  });
  t.match((await bench.deploy(phos as Recipe, { diskGiB: 4000 })).failure, { step: "check/gpu0", summary: /4000 are needed/ });
});
