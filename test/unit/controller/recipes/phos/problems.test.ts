import t from "tap";
import { compareBuildConfig, setBuildConfig } from "../../../../../controller/recipes/phos/build-config.js";
import { phos } from "../../../../../controller/recipes/phos/phos.js";
import { findRecipe } from "../../../../../controller/recipes/index.js";
import { deployed, exercisePlan, known, phosInput, phosPlan, phosProblems } from "../../../../support/recipe/phos-lab.js";
import { planned } from "../../../../support/recipe/lego-lab.js";
import { trackedFiles } from "../../../../../agent/sim/phos/tree.js";
import { effectiveConfig } from "../../../../../agent/sim/phos/build-config.js";

t.test("names the build ignores are refused, with the name its reader knows", async (t) => {
  const refused = (buildConfig: Record<string, unknown>) => phosProblems({ with: { buildConfig } })[0] ?? "";
  t.match(
    refused({ eval_ckpt_enable_increamental: true }),
    /with\.buildConfig\.eval_ckpt_enable_increamental: .*expects eval_ckpt_enable_incremental/,
  );
  t.match(refused({ eval_ckpt_default_interval_ms: 500 }), /expects eval_ckpt_interval_ms/);
  t.match(refused({ eval_migr_default_interval_ms: 500 }), /expects migr_interval_ms/);
  t.match(refused({ evil: 1 }), /ignore it without a word/);
  t.match(refused({ runtime_target: "rocm" }), /only cuda/);
  t.match(refused({ runtime_target_version: "11.8" }), /11\.3 only/);
  t.match(refused({ runtime_enable_print_log: 0 }), /could not be judged/);
  t.match(refused({ runtime_default_daemon_log_path: "log" }), /absolute/);
  t.same(phosProblems({ with: { buildConfig: { eval_ckpt_enable_incremental: true, eval_ckpt_opt_level: 2 } } }), []);
});

t.test("what is set has an effect: it is written by the name the reader knows", async (t) => {
  const shipped = trackedFiles["scripts/build_scripts/build_configs.yaml"] ?? "";
  const wanted = { eval_ckpt_enable_incremental: true, eval_ckpt_opt_level: 1, runtime_default_daemon_log_path: "/var/log/other" };
  const edited = setBuildConfig(shipped, wanted);
  const text = "text" in edited ? edited.text : "";
  t.match(effectiveConfig(text), {
    eval_ckpt_enable_incremental: "1",
    eval_ckpt_opt_level: "1",
    runtime_default_daemon_log_path: "/var/log/other",
  });
  t.equal(effectiveConfig(setIgnored(shipped))["eval_ckpt_enable_incremental"], "0", "the shipped name has none");
  t.same(compareBuildConfig(text, wanted), []);
  t.match(compareBuildConfig(shipped, wanted).join("; "), /eval_ckpt_enable_incremental is not there, wanted 1/);
  t.same(setBuildConfig(text, wanted), edited, "twice is the same as once");
  t.match(setBuildConfig("something: else\n", wanted), { problem: /main branch/ });
});

function setIgnored(text: string): string {
  return text.replace(/eval_ckpt_enable_increamental: \d/, "eval_ckpt_enable_increamental: 1");
}

t.test("a deployment that cannot work is refused with all its problems", async (t) => {
  t.match(
    phosProblems({ gpu: { arch: "aarch64", reach: "none" }, with: { source: "/root", dumpDirectory: "/root/ckpt", sample: "diffusion" } }),
    [
      /gpu0 is aarch64/,
      /no agent and no ssh/,
      /with\.source: \/root is not PhOS's alone/,
      /with\.dumpDirectory: is on a directory of the node/,
      /with\.data: .*\/data/,
    ],
  );
  t.match(phosProblems({ with: { checkpoints: "/opt/phos/PhoenixOS/out" } }), [/inside the clone/]);
  for (const wrong of [{ source: "relative" }, { image: "a b" }, { checkpoints: "/a b" }, { sample: "alexnet" }, { nonsense: 1 }])
    t.throws(() => phosInput({ with: wrong }), JSON.stringify(wrong));
});

t.test("neither BMC nor console is asked for, and nothing is rebooted", async (t) => {
  const plans = [phosPlan(), exercisePlan(), planned(phos.undeploy(phosInput({ previous: deployed })))];
  for (const step of plans.flatMap(({ steps }) => steps)) {
    t.notOk(step.evidence.some(({ kind }) => kind === "console" || kind === "console-up" || kind === "power"));
    t.notOk((step.acts?.(known) ?? []).some(({ kind }) => kind === "reboot" || kind === "power" || kind.includes("boot")));
  }
});

t.test("steps have ids of their own, need only steps before them, and have evidence", async (t) => {
  for (const plan of [phosPlan(), exercisePlan({ checkpoints: 3 }), planned(phos.undeploy(phosInput({ previous: deployed })))]) {
    const seen = new Set<string>();
    for (const { id, phase, node, needs, evidence } of plan.steps) {
      t.notOk(seen.has(id), `${id} once`);
      for (const need of needs) t.ok(seen.has(need), `${id} needs ${need}, which stands before it`);
      t.match(id, new RegExp(`^${phase}/${node}(/|$)`));
      t.ok(evidence.length > 0, `${id} has evidence`);
      seen.add(id);
    }
  }
});

t.test("no terminal, no helper script, no forgotten time limit, none of the actions that do not work", async (t) => {
  for (const plan of [phosPlan(), exercisePlan()]) {
    for (const act of plan.steps.flatMap((step) => step.acts?.(known) ?? [])) {
      if (act.kind !== "command" && act.kind !== "start") continue;
      const line = act.argv.join(" ");
      t.notMatch(line, /docker exec -\w*t|docker run -\w*t\b|run_torch|run_cu/);
      t.notMatch(line, /--pre-restore|--clean|--migrate|--pre-dump --|build\.sh.* -[pc]\b/);
      if (/pos_cli --(?:dump|restore)/.test(line) && !line.includes("pkill")) t.match(line, /timeout -k \d+ \d+ /);
    }
  }
});

t.test("an exercise needs a deployment, and takes its options as people write them", async (t) => {
  const { run } = phos.exercises ?? {};
  if (run === undefined) throw new Error("no exercise run");
  t.match(run.plan(phosInput(), run.parameters.parse({})), { problems: [{ problem: /first lab deploy phos/ }] });
  t.match(exercisePlan({ sample: "ppo", checkpointEvery: "2m", checkpoints: 1 }).title, "ppo on gpu0, 1 checkpoint, one every 120 s");
  for (const wrong of [{ checkpointEvery: "10" }, { checkpointEvery: "0s" }, { checkpoints: 0 }, { sample: "x" }])
    t.notOk(run.parameters.safeParse(wrong).success, JSON.stringify(wrong));
  t.equal(exercisePlan({ checkpoints: 3 }).steps.filter(({ phase }) => phase === "dump").length, 3);
});

t.test("a run's checkpoints become a table and a chart", async (t) => {
  const [table, chart] = phos.reports?.(known.outputs) ?? [];
  t.match(table, {
    kind: "table",
    columns: ["checkpoint", "at", "dump s", "bytes", "restore s", "went on at", "reached"],
    rows: [
      [1, 32, 2.5, 9_000_000, 3.1, 33, 35],
      [2, 62],
      [3, 92],
    ],
  });
  t.match(chart, { kind: "chart", marks: [{ label: "checkpoint 1", x: 65 }, {}, {}] });
  if (chart?.kind !== "chart") throw new Error("no chart");
  const xs = chart.series[0]?.points.map(([x]) => x) ?? [];
  t.same(
    xs,
    [...xs].sort((a, b) => a - b),
  );
  t.same(phos.reports?.({}), []);
  t.equal(findRecipe("phos")?.name, "phos");
});
