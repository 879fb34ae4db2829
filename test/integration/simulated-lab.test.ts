/** The bench recipes are tested on behaves as machines and agents do. */
import t from "tap";
import { z } from "zod";
import type { Tool } from "../../agent/sim/tools/tool.js";
import { type Recipe, startedJob, type Step } from "../../controller/deploy/recipe.js";
import { until } from "../support/host/processes.js";
import { SimulatedLab } from "../support/simulated-lab/lab.js";

const yaml = `
lab: bench
agents: { site: { site: true } }
nodes:
  server: { power: { command: [plug] }, sim: { post: 1 } }
  board: { arch: aarch64, address: 10.0.0.9, ssh: { user: root, via: server }, sim: { system: hexo, post: 1 } }
deployments:
  one:
    recipe: bench
    roles: { all: [server, board] }
`;

/** Prints what it gets; SIGTERM ends it after it has said so, SIGUSR2 as it ends any program. */
const echo: Tool = async (call) => {
  let over = false;
  call.onSignal("SIGUSR1", () => call.out("usr1\n"));
  call.onSignal("SIGTERM", () => {
    call.out("bye\n");
    over = true;
  });
  call.out(`ready ${call.argv.join(" ")} ${call.env["COLOUR"] ?? ""}\n`);
  while (!over) await call.work(10);
  return 3;
};

const fence = { leaseId: "lease-1", epoch: 1n };
const lab = await SimulatedLab.start(t, yaml, { tools: { echo } });
const server = lab.node("server");
const request = { argv: ["echo", "now"], cwd: "", env: { COLOUR: "red" }, timeoutMs: 0 };

t.test("a started job goes on, takes signals once per key, and is ended", async (t) => {
  t.match(await server.jobs.start({ ...request, jobId: "j1" }, { fence }), { state: "running", stdout: "ready now red\n" });
  for (const key of ["k1", "k1", "k2"]) t.equal(await server.jobs.signal("j1", "SIGUSR1", { fence, key }), true);
  t.equal((await server.jobs.read("j1"))?.stdout, "ready now red\nusr1\nusr1\n");
  t.equal(await server.jobs.end("j1", { fence, graceMs: 5_000 }), true);
  t.match(await server.jobs.read("j1"), { state: "cancelled", signal: "SIGTERM", stdout: /bye\n$/ });
  t.equal(await server.jobs.signal("j1", "SIGUSR1", { fence, key: "k3" }), false);
  t.equal(await server.jobs.read("nobody"), undefined);
});

t.test("a signal without a handler ends a job, and a program that is not there starts none", async (t) => {
  await server.jobs.start({ ...request, jobId: "j2" }, { fence });
  await server.jobs.signal("j2", "SIGUSR2", { fence, key: "k4" });
  t.match(await server.jobs.read("j2"), { state: "signalled", signal: "SIGUSR2" });
  t.match(await server.jobs.start({ ...request, jobId: "j3", argv: ["nothing"] }, { fence }), { state: "not-started", pid: 0 });
});

t.test("a reboot is a new boot, and what ran is lost", async (t) => {
  await server.jobs.start({ ...request, jobId: "j4" }, { fence });
  const before = await server.facts();
  t.same(await server.reboot(), { oldBootId: before.bootId });
  await until(() => !server.agentConnected, "the machine to go down");
  await t.rejects(lab.node("board").facts(), { code: "unreachable" }, "the way to the board leads over the server");
  await server.linuxUp();
  t.not((await server.facts()).bootId, before.bootId);
  t.match(await server.jobs.read("j4"), { state: "lost" });
});

t.test("a board is reached through its gateway; it has what the inventory gives it", async (t) => {
  const board = lab.node("board");
  t.match(await board.facts(), { arch: "aarch64", kernel: "Linux" });
  t.equal(board.console, undefined);
  await t.rejects(board.power.read(), { code: "unsupported" });
  t.match(await board.run({ ...request, jobId: "u1", argv: ["uname", "-n"] }, { fence }), { state: "exited", stdout: "board\n" });
});

t.test("a recipe starts a job, signals it and sees its end", async (t) => {
  const step = (id: string, needs: string[], rest: Partial<Step>): Step => ({
    id,
    phase: id.split("/")[0] ?? id,
    node: "server",
    title: id,
    needs,
    repeat: "verify",
    evidence: [],
    ...rest,
  });
  const steps = [
    step("serve/server", [], {
      acts: () => [{ kind: "start", name: "echo", argv: ["echo", "here"], timeoutMs: 0 }],
      evidence: [
        {
          kind: "job",
          claim: "the server is ready",
          withinMs: 5_000,
          job: ({ outputs }) => startedJob(outputs, "serve/server", "echo")?.job ?? "",
          judge: ({ stdout }) => (stdout.includes("ready") ? { ok: true } : { ok: false, reason: "says nothing" }),
        },
      ],
    }),
    step("end/server", ["serve/server"], {
      actsWithinMs: 10_000,
      acts: ({ outputs }) => {
        const job = startedJob(outputs, "serve/server", "echo")?.job ?? "";
        return [
          { kind: "signal", job, signal: "SIGUSR1" },
          { kind: "end", job },
        ];
      },
      evidence: [
        {
          kind: "job",
          claim: "it has said goodbye",
          withinMs: 5_000,
          job: ({ outputs }) => startedJob(outputs, "serve/server", "echo")?.job ?? "",
          judge: ({ stdout, state }) =>
            state !== "running" && stdout.endsWith("usr1\nbye\n") ? { ok: true } : { ok: false, reason: `is ${state}` },
        },
      ],
    }),
  ];
  const draft = { title: "bench", steps };
  const recipe: Recipe = {
    name: "bench",
    summary: "",
    roles: { all: { description: "any", min: 1, max: 9 } },
    parameters: z.strictObject({}),
    deploy: () => draft,
    undeploy: () => draft,
    failureLines: [],
    logProfiles: [],
  };
  t.match(await lab.run({ deployment: "one", direction: "deploy" }, recipe), { status: "succeeded", failure: undefined });
  t.same(await lab.leases.list(), []);
});
