/** HEXO on a simulated pair: both modes, every direction, both ways to ask; what is left running is moved; everything is taken back. */
import { once } from "node:events";
import { createServer } from "node:net";
import t from "tap";
import type { Json, Outputs, Recipe } from "../../controller/deploy/recipe.js";
import type { RunState } from "../../controller/deploy/run-state.js";
import { hexo } from "../../controller/recipes/hexo/hexo.js";
import { bySignal, HexoLab } from "../support/wrong-recipe/hexo-lab.js";

const recipe = hexo as Recipe;
t.setTimeout(240_000);
const pair = await HexoLab.start(t);
const directory = "/var/tmp/labd-hexo-pair";

function phases(outputs: Outputs): (string | number)[] {
  const [report] = hexo.reports?.(outputs) ?? [];
  return report?.kind === "table" ? report.rows.map(([leg, phase]) => `${leg ?? ""} ${phase ?? ""}`) : [];
}

/** The lines that every claim rests on. */
function lines({ evidence }: RunState, step: string): string[] {
  return evidence
    .filter((each) => each.step === step)
    .flatMap(({ source }) => (source.kind === "command" ? source.lines : source.kind === "reading" ? [source.text] : []));
}

interface Way {
  readonly says: string;
  readonly with: Readonly<Record<string, Json>>;
  readonly ends: string;
  readonly legs: number;
}

const ways: readonly Way[] = [
  { says: "checkpoint, x86 to arm, MIGTEST", with: {}, ends: "potato0", legs: 1 },
  { says: "checkpoint, arm to x86, signal", with: { direction: "arm-to-x86", ...bySignal }, ends: "x0", legs: 1 },
  { says: "checkpoint, ping-pong twice", with: { direction: "ping-pong", rounds: 2 }, ends: "x0", legs: 4 },
  { says: "checkpoint, ping-pong, signal", with: { direction: "ping-pong", ...bySignal }, ends: "x0", legs: 2 },
  { says: "post-copy, x86 to arm, signal", with: { mode: "post-copy", ...bySignal }, ends: "potato0", legs: 1 },
  { says: "post-copy, arm to x86, MIGTEST", with: { mode: "post-copy", direction: "arm-to-x86" }, ends: "x0", legs: 1 },
  { says: "post-copy, ping-pong, MIGTEST", with: { mode: "post-copy", direction: "ping-pong" }, ends: "x0", legs: 2 },
];

for (const { says, with: parameters, ends, legs } of ways) {
  t.test(`${says}: the result is right, and it went on where it had stopped`, async (t) => {
    const state = await pair.run("deploy", recipe, { with: { ...parameters, port: await pair.freePort() } });
    t.match(state, { status: "succeeded", failure: undefined });
    const proof = lines(state, `prove/${ends}`);
    t.match(proof, [/^iterations [2-9]\d* to \d+, after \d+$/, /Verification\s*=\s*SUCCESSFUL/]);
    t.same(
      phases(state.outputs),
      Array.from({ length: legs }, (_, index) => ["stop", "transfer", "resume"].map((phase) => `${index + 1} ${phase}`)).flat(),
    );
    t.same(await pair.lab.leases.list(), []);
  });
}

t.test("undeploy takes everything back, and a second time finds nothing to do", async (t) => {
  for (const _ of [1, 2]) {
    t.match(await pair.run("undeploy", recipe), { status: "succeeded", failure: undefined });
    for (const name of ["x0", "potato0"]) t.equal(await pair.lab.node(name).files.stat(directory), undefined);
  }
  t.ok(await pair.lab.node("x0").files.stat("/root/popcorn-compiler/apps/npb-is/prog_aarch64_aligned"), "the build stays");
});

t.test("an application that is held moves there and back when it is told to, and undeploy ends it", async (t) => {
  const long = { with: { class: "C", migtest: 15 } };
  t.match(await pair.run("deploy", recipe, long), { status: "succeeded" });
  t.match(await pair.run("run", recipe, { ...long, exercise: "run", request: { hold: true } }), {
    status: "succeeded",
    failure: undefined,
  });
  t.equal(await pair.proxies("x0"), 1, "it is left running");
  const there = await pair.run("run", recipe, { ...long, exercise: "migrate", request: { to: "arm" } });
  t.match(there, { status: "succeeded", failure: undefined });
  t.same(phases(there.outputs), ["1 stop", "1 transfer", "1 resume"]);
  t.match(lines(there, "running/potato0")[0], /^iterations \d+ to \d+, after \d+$/);
  t.same([await pair.proxies("x0"), await pair.proxies("potato0")], [0, 1]);
  const back = await pair.run("run", recipe, { ...long, exercise: "migrate", request: { to: "x86" } });
  t.match(back, { status: "succeeded", failure: undefined });
  t.same([await pair.proxies("x0"), await pair.proxies("potato0")], [1, 0]);
  t.match(await pair.run("run", recipe, { exercise: "run" }), {
    status: "failed",
    failure: { step: "check/x0", summary: /a proxy runs already/ },
  });
  t.match(await pair.run("undeploy", recipe), { status: "succeeded", failure: undefined });
  t.same([await pair.proxies("x0"), await pair.proxies("potato0")], [0, 0]);
});

t.test("an application that is held in post-copy moves once, and not where its memory cannot follow", async (t) => {
  const long = { with: { class: "C", mode: "post-copy", port: await pair.freePort() } };
  t.match(await pair.run("deploy", recipe, { with: { class: "C" } }), { status: "succeeded" });
  t.match(await pair.run("run", recipe, { ...long, exercise: "run", request: { hold: true } }), { status: "succeeded" });
  const taken = createServer().listen(long.with.port, "127.0.0.1");
  await once(taken, "listening");
  const move = () => pair.run("run", recipe, { ...long, exercise: "migrate", request: { to: "arm" } });
  t.match((await move()).failure, { step: "check/x0", summary: new RegExp(`port ${long.with.port} is taken`) });
  t.equal(await pair.proxies("x0"), 1, "it runs on");
  taken.close();
  await once(taken, "close");
  t.match(await move(), { status: "succeeded", failure: undefined });
  const back = await pair.run("run", recipe, { ...long, exercise: "migrate", request: { to: "x86" } });
  t.equal(back.status, "failed");
  t.equal(await pair.proxies("potato0"), 1, "it runs on");
  t.match(await pair.run("undeploy", recipe), { status: "succeeded", failure: undefined });
});

t.test("a run goes its own way on what is deployed, and builds nothing", async (t) => {
  t.match(await pair.run("deploy", recipe), { status: "succeeded" });
  const again = await pair.run("run", recipe, { request: { direction: "arm-to-x86", mode: "checkpoint", migtest: 8 } });
  t.match(again, { status: "succeeded", failure: undefined });
  t.match(lines(again, "prove/x0")[1], /SUCCESSFUL/);
  t.notOk(Object.keys(again.steps).some((step) => step.startsWith("build/")));
});

t.test("a board with an agent of its own does as well", async (t) => {
  const other = await HexoLab.start(t, { boardReach: "agent" });
  t.match(await other.run("deploy", recipe), { status: "succeeded", failure: undefined });
});

t.test("the toolchain is installed where it is not, and left alone where it stands", async (t) => {
  const bare = await HexoLab.start(t, {
    x86Faults: ["no-toolchain"],
    with: { toolchain: { install: true, threads: 8 }, class: "C", migtest: 30 },
    speedUp: 300,
  });
  const first = await bare.run("deploy", recipe);
  t.match(first, { status: "succeeded", failure: undefined });
  const second = await bare.run("deploy", recipe);
  t.match(second, { status: "succeeded", failure: undefined });
  t.match(lines(second, "toolchain/x0"), [/all 19 are there/]);
});
