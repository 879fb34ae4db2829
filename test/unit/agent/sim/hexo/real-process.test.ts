/** The same tools as processes: real signals, real process ids; and the proxy as one file on a machine that is no simulated one. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t, { type Test } from "tap";
import { formatProgram } from "../../../../../agent/sim/hexo/program-file.js";
import { listenForTools } from "../../../../../agent/sim/machine/machine-socket.js";
import { Application, iterations, states } from "../../../../support/hexo-sim/application.js";
import { type HexoMachine, hexoPair } from "../../../../support/hexo-sim/pair.js";
import { until } from "../../../../support/host/processes.js";
import { scratchDirectory } from "../../../../support/host/scratch.js";

const environment = {
  HERMIT_ISLE: "uhyve",
  HERMIT_MEM: "64M",
  HERMIT_NODE_ID: "0",
  ST_X86_64_BIN: "prog_x86-64_aligned",
  ST_AARCH64_BIN: "prog_aarch64_aligned",
  HERMIT_FULL_CHKPT_SAVE: "1",
  HERMIT_FULL_CHKPT_RESTORE: "1",
};

interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<readonly [code: number | null, signal: NodeJS.Signals | null]>;
  readonly stdout: () => string;
}

function start(t: Test, program: string, argv: readonly string[], cwd: string, env: Readonly<Record<string, string>>): Started {
  const { PATH = "", HOME = "" } = process.env;
  const child = spawn(program, argv, { cwd, env: { PATH, HOME, ...environment, ...env }, stdio: ["ignore", "pipe", "inherit"] });
  t.teardown(() => child.kill("SIGKILL"));
  let stdout = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  const ended = once(child, "close") as Promise<[number | null, NodeJS.Signals | null]>;
  return { child, ended, stdout: () => stdout };
}

async function serverWithSocket(t: Test): Promise<{ x86: HexoMachine; application: Application; env: Record<string, string> }> {
  const pair = await hexoPair(t);
  const socket = await listenForTools(join(await scratchDirectory(t), "s"), (request) => pair.x86.ask(request));
  t.teardown(() => socket.close());
  const env = { LABD_SIM_ROOT: pair.x86.root, LABD_SIM_SOCKET: socket.path, LABD_SIM_SPEED_UP: "20" };
  return { x86: pair.x86, application: await Application.build(pair), env };
}

t.test("a proxy on a simulated machine takes SIGUSR1 at READY, is listed by pgrep, and a killed one leaves its lock", async (t) => {
  const { x86, application, env } = await serverWithSocket(t);
  const cwd = await application.workplace(x86);
  const proxy = x86.host("/root/hermit-popcorn/x86_64-host/bin/proxy");
  const run = start(t, proxy, ["prog_x86-64_aligned"], x86.host(cwd), env);
  await until(() => states(x86, cwd).includes("READY_FOR_MIGRATION"), "READY");
  t.equal((await x86.run("pgrep", ["-x", "proxy"])).stdout, `${run.child.pid}\n`);
  run.child.kill("SIGUSR1");
  t.same(await run.ended, [0, null]);
  t.match(run.stdout(), /Uhyve: exiting\n$/);
  t.equal((await x86.run("pgrep", ["-x", "proxy"])).exitCode, 1);

  const other = await application.workplace(x86);
  const killed = start(t, proxy, ["prog_x86-64_aligned"], x86.host(other), env);
  await until(() => states(x86, other).includes("READY_FOR_MIGRATION"), "READY");
  killed.child.kill("SIGKILL");
  await killed.ended;
  t.equal((await x86.run("pgrep", ["-x", "proxy"])).exitCode, 1);
  t.ok(x86.exists(`${other}/.lock`));
});

t.test("a signal before the handler is there ends a real process too", async (t) => {
  const { x86, application, env } = await serverWithSocket(t);
  const cwd = await application.workplace(x86);
  const run = start(t, x86.host("/root/hermit-popcorn/x86_64-host/bin/proxy"), ["prog_x86-64_aligned"], x86.host(cwd), {
    ...env,
    LABD_SIM_FAULTS: "never-ready",
  });
  await until(() => x86.exists(`${cwd}/.lock`), "the proxy");
  run.child.kill("SIGUSR1");
  t.same(await run.ended, [null, "SIGUSR1"]);
});

t.test("as one file, without any simulation, it checkpoints and restores by its own path", async (t) => {
  const directory = await scratchDirectory(t);
  const proxy = join(directory, "proxy");
  copyFileSync(fileURLToPath(new URL("../../../../../hexo-proxy.cjs", import.meta.url)), proxy);
  const here = process.arch === "arm64" ? "aarch64" : "x86_64";
  for (const [name, architecture] of [
    ["prog_x86-64_aligned", "x86_64"],
    ["prog_aarch64_aligned", "aarch64"],
  ] as const) {
    const text = formatProgram({ app: "npb-is", problemClass: "A", source: "0123", architecture, aligned: true, instrumented: false });
    writeFileSync(join(directory, name), text);
  }
  writeFileSync(join(directory, "kvm"), "", { mode: 0o666 });
  const cwd = join(directory, "run");
  mkdirSync(cwd);
  const programs = { ST_X86_64_BIN: join(directory, "prog_x86-64_aligned"), ST_AARCH64_BIN: join(directory, "prog_aarch64_aligned") };
  const env = { ...programs, LABD_SIM_KVM: join(directory, "kvm"), LABD_SIM_SPEED_UP: "20", HERMIT_NODE_ID: here === "x86_64" ? "0" : "1" };
  const program = here === "x86_64" ? programs.ST_X86_64_BIN : programs.ST_AARCH64_BIN;
  const source = start(t, proxy, [program], cwd, { ...env, HERMIT_MIGTEST: "5" });
  t.same(await source.ended, [0, null]);
  t.ok(existsSync(join(cwd, "mdata.bin")));
  const target = start(t, proxy, [program], cwd, { ...env, HERMIT_MIGRATE_RESUME: "1" });
  t.same(await target.ended, [0, null]);
  t.same([...iterations(source.stdout()), ...iterations(target.stdout())], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  t.match(target.stdout(), /= +SUCCESSFUL/);
});
