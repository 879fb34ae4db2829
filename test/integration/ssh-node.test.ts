/** A board without agent, reached by ssh from another machine's agent: simulated machines, a real agent process, real connections. */
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo, Socket } from "node:net";
import { join } from "node:path";
import t, { type Test } from "tap";
import { startSimulator } from "../../agent/sim/simulator.js";
import { systemClock } from "../../proto/base/clock.js";
import { silentLogger } from "../../proto/base/logger.js";
import { saveIdentity } from "../../proto/rpc/identity.js";
import { openAgentLab } from "../support/agent/agent-lab.js";
import { agentPrograms } from "../support/host/agent-process.js";
import { until } from "../support/host/processes.js";
import { scratchDirectory } from "../support/host/scratch.js";
import { issueIdentity } from "../support/rpc/lab-port.js";

const fence = { leaseId: "lease-1", epoch: 1n };

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The agent's process of a simulated machine. */
function agentOf(root: string): number | undefined {
  const config = join(root, "etc/labd/agent.json");
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .find((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes(config);
      } catch {
        return false;
      }
    });
}

async function bench(t: Test) {
  const state = await scratchDirectory(t);
  const port = await freePort();
  const yaml = `
lab: bench
agents: { site: { site: true } }
nodes:
  x0: { sim: { system: hexo, post: 0 } }
  board: { arch: aarch64, address: 127.0.0.1, ssh: { via: x0, port: ${port} }, sim: { system: hexo, post: 0 } }
`;
  const lab = await openAgentLab(t, { yaml, reconnectMs: 20_000 });
  const root = join(state, "x0/root");
  const agentState = join(root, "var/lib/labd");
  await mkdir(join(root, "etc/labd"), { recursive: true });
  const config = { name: "x0", node: true, controller: lab.port.address, root, state: agentState, reconnectMs: 100 };
  await writeFile(join(root, "etc/labd/agent.json"), JSON.stringify(config));
  await saveIdentity(join(agentState, "identity"), await issueIdentity(lab.port.authority, { name: "x0", role: "agent" }));
  // The test runner makes every child load its hooks.
  delete process.env["NODE_OPTIONS"];
  const simulator = await startSimulator({
    lab: lab.lab,
    stateDirectory: state,
    speedUp: 100,
    agentProgram: agentPrograms.bundle,
    clock: systemClock,
    log: silentLogger,
  });
  t.teardown(() => simulator.close());
  /** Every connection to the board's ssh server, at once. */
  const cut = () => {
    const handles = (process as unknown as { _getActiveHandles(): unknown[] })._getActiveHandles();
    const sockets = handles.filter((each): each is Socket => each instanceof Socket && each.localPort === port);
    for (const socket of sockets) socket.destroy();
    return sockets.length;
  };
  return {
    ...lab,
    state,
    sshPort: port,
    cut,
    x0Root: root,
    boardRoot: join(state, "board/root"),
    board: lab.nodes.node("board"),
    simulator,
  };
}

const quick = { cwd: "", env: {}, timeoutMs: 30_000 };

t.test("a board without agent runs commands, has files and facts, and is rebooted, through the agent that reaches it", async (t) => {
  const { board, boardRoot, x0Root, sshPort } = await bench(t);
  const first = await board.run(
    { ...quick, jobId: "j1", argv: ["/bin/sh", "-c", 'read -r line; echo "$line"; pwd; exit 3'], stdin: Buffer.from("in\n") },
    { fence },
  );
  t.match(first, { state: "exited", exitCode: 3, stdout: `in\n${boardRoot}\n` });
  const info = await board.files.write("/root/made", Buffer.from("by ssh"), { fence, mode: 0o600 });
  t.match(info, { kind: "file", sizeBytes: 6, mode: 0o600 });
  t.equal(await readFile(join(boardRoot, "root/made"), "utf8"), "by ssh");
  t.equal(Buffer.from(await board.files.read("/root/made")).toString(), "by ssh");
  const facts = await board.facts();
  t.match(facts, { kernel: "Linux", hostname: "board" });
  await t.rejects(board.boot.menu(), { code: "unsupported", message: /node board: boot entries: it is reached by ssh/ });
  t.ok(readFileSync(join(x0Root, "root/.ssh/known_hosts"), "utf8").startsWith(`[127.0.0.1]:${sshPort} ssh-ed25519 `));

  t.same(await board.reboot({ fence }), { oldBootId: facts.bootId });
  await until(async () => {
    const now = await board.facts().catch(() => undefined);
    return now !== undefined && now.bootId !== facts.bootId;
  }, "the board to be back under another boot id");
  t.match(
    await board.run({ ...quick, jobId: "j1", argv: ["never"] }, { fence }),
    { state: "exited", exitCode: 3 },
    "what had ended before the boot stays",
  );
});

t.test("a job's output goes on without hole or repeat over a cut connection and a killed agent", async (t) => {
  const { board, boardRoot, x0Root, cut } = await bench(t);
  const gates = ["one", "two"].map((name) => join(boardRoot, name));
  const waitFor = (gate: string | undefined) => `while [ ! -e ${gate} ]; do sleep 0.02; done`;
  const script = `seq 1 500; ${waitFor(gates[0])}; seq 501 1000; ${waitFor(gates[1])}; seq 1001 1500`;
  const lines: number[] = [];
  const running = board.run(
    { ...quick, jobId: "long", argv: ["/bin/sh", "-c", script] },
    { fence, onLine: (line) => lines.push(Number(line)) },
  );
  await until(() => lines.length >= 500, "the first lines");
  t.ok(cut() > 0, "a connection was there to be cut");
  await writeFile(gates[0] ?? "", "");
  await until(() => lines.length >= 1000, "the lines after the cut");
  const agent = agentOf(x0Root);
  if (agent === undefined) throw new Error("the agent does not run");
  process.kill(agent, "SIGKILL");
  await writeFile(gates[1] ?? "", "");
  t.match(await running, { state: "exited", exitCode: 0 });
  t.same(
    lines,
    Array.from({ length: 1500 }, (_, index) => index + 1),
  );
  t.not(agentOf(x0Root), agent, "it was another agent in the end");
});

t.test("a host key that is not the one known is refused until somebody has accepted it", async (t) => {
  const { board, x0Root, sshPort, cut } = await bench(t);
  await board.facts();
  const knownHosts = join(x0Root, "root/.ssh/known_hosts");
  const right = await readFile(knownHosts, "utf8");
  // Another key of the same type: one character in its middle.
  const wrong = right.replace(/(AAAA\S{40})(.)/, (_, before: string, one: string) => `${before}${one === "x" ? "y" : "x"}`);
  t.not(wrong, right);
  await writeFile(knownHosts, wrong);
  cut();
  const refused = {
    code: "authentication",
    message: new RegExp(`ssh root@127\\.0\\.0\\.1:${sshPort}: its host key has changed: it offered ssh-ed25519 SHA256:`),
  };
  await until(
    () =>
      board.facts().then(
        () => false,
        () => true,
      ),
    "the connection to be refused",
  );
  await t.rejects(board.facts(), refused);
  await rm(knownHosts);
  await t.rejects(board.facts(), { code: "authentication", message: /is not known: it offered .* ssh-keyscan -p/ });
  await writeFile(knownHosts, right);
  t.match(await board.facts(), { hostname: "board" });
});

t.test("a board that loses power takes its jobs along", async (t) => {
  const { board, simulator } = await bench(t);
  const started = await board.jobs.start({ ...quick, timeoutMs: 0, jobId: "lost", argv: ["/bin/sleep", "1000"] }, { fence });
  const { machine } = simulator.nodes.find(({ name }) => name === "board") ?? {};
  await machine?.act("cycle");
  await until(async () => (await board.jobs.read("lost").catch(() => undefined))?.state === "lost", "the job to be lost");
  t.match(await board.jobs.read("lost"), { state: "lost", reason: /the machine went down under it/ });
  await until(() => {
    try {
      process.kill(started.pid, 0);
      return false;
    } catch {
      return true;
    }
  }, "its process to end");
});
