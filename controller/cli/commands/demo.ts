/** lab demo: the main job on a lab that needs no hardware, told so that a newcomer sees what it rests on. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadLab } from "../../../inventory/load.js";
import { FailedError } from "../../../proto/base/errors.js";
import type { Connection } from "../connection.js";
import { type Context, withLab } from "../context.js";
import { labDirectory } from "../lab-directory.js";
import { freeUdpPorts } from "../local/free-ports.js";
import { LocalLab } from "../local/local-lab.js";
import { dist } from "../local/programs.js";
import { duration } from "../units.js";
import { runDeployment } from "./deployments.js";
import { listNodes } from "./nodes.js";
import { setPower } from "./power.js";
import { tailNodes } from "./tail.js";
import { aborted } from "./up.js";

const deployment = "lego-1p1m1s";
const inventoryFile = join(dist, "../inventory/examples/demo.yaml");
const speedUp = 20;
const agentsWithinMs = 30_000;
const worthTrying = [
  "nodes",
  `tail ${deployment} -f`,
  "console s0",
  "exec s0 -- uname -r",
  `plan ${deployment}`,
  `record ${deployment}`,
  `undeploy ${deployment}`,
  `deploy ${deployment} --set memmap=2G`,
];

export async function demo(context: Context, options: { keep: boolean }): Promise<void> {
  const { terminal, clock, signal } = context;
  const beganMs = clock.monotonicMs();
  const path = await mkdtemp(join(tmpdir(), "lab-demo-"));
  process.env["LAB_DEMO_BMC_PASSWORD"] = "demo-secret";
  const here: Context = { ...context, directory: labDirectory(context.env, path) };
  const say = (line: string) => terminal.print(terminal.style.bold(line));
  const inventory = await demoInventory(path);
  say("A lab of three simulated machines: BMCs on UDP, serial lines over SOL, a boot loader, Linux with a real lab-agent each.");
  const lab = await LocalLab.start(here, { inventory, listen: "127.0.0.1:0", sim: true, speedUp });
  try {
    const nodes = loadLab(inventory).nodes.map((node) => node.name);
    say("\n$ lab power on @all");
    await setPower(here, "on", "@all", { yes: true, timeoutMs: 60_000 });
    await withLab(here, (connection) => waitForAgents(here, connection, nodes));
    say("\n$ lab nodes");
    await listNodes(here, "", { probe: true });
    say(`\n$ lab deploy ${deployment}`);
    await runDeployment(here, deployment, "deploy", []);
    say(`\n$ lab tail ${deployment}        # three serial lines, merged in time order`);
    await withLab(here, (connection) => tailNodes(here, connection, nodes, { follow: false, lines: "6", timestamps: true }));
    if (options.keep) return await keep(here, path, lab);
    say(`\n$ lab undeploy ${deployment}`);
    await runDeployment(here, deployment, "undeploy", []);
    say("\n$ lab nodes");
    await listNodes(here, "", { probe: true });
    terminal.print(`\ndone in ${duration(clock.monotonicMs() - beganMs)}. Keep a lab to play with: npm run demo -- --keep`);
  } catch (error) {
    if (!signal.aborted) await showLogs(here, path);
    throw error;
  } finally {
    await lab.close();
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** The example inventory with UDP ports that are free now: no root, no fixed port. */
async function demoInventory(path: string): Promise<string> {
  const text = await readFile(inventoryFile, "utf8");
  const ports = await freeUdpPorts(text.match(/port: \d+/g)?.length ?? 0);
  const file = join(path, "lab.yaml");
  let index = 0;
  await writeFile(
    file,
    text.replace(/port: \d+/g, () => `port: ${ports[index++]}`),
  );
  return file;
}

async function waitForAgents(context: Context, lab: Connection, names: readonly string[]): Promise<void> {
  const { clock, signal } = context;
  const deadlineMs = clock.monotonicMs() + agentsWithinMs;
  for (;;) {
    const { nodes } = await lab.nodes.listNodes({ nodeset: "", probePower: false }, { signal });
    const missing = names.filter((name) => !nodes.some((node) => node.name === name && node.agentConnected));
    if (missing.length === 0) return;
    if (clock.monotonicMs() > deadlineMs)
      throw new FailedError(`waited ${duration(agentsWithinMs)} for the agents of ${missing.join(" ")}`);
    await new Promise<void>((resolve) => void clock.after(100, resolve));
  }
}

async function keep(context: Context, path: string, lab: LocalLab): Promise<void> {
  const { terminal } = context;
  terminal.print(`  alias lab="node ${join(dist, "controller/cli/main.js")}"; export LAB_DIR=${path}`);
  for (const each of worthTrying) terminal.print(`  lab ${each}`);
  const fallen = await Promise.race([lab.fallen, aborted(context.signal)]);
  if (fallen !== undefined) throw new FailedError(fallen);
}

async function showLogs(context: Context, path: string): Promise<void> {
  for (const name of ["lab-controller", "lab-agent-site", "lab-sim"]) {
    const text = await readFile(join(path, "log", `${name}.log`), "utf8").catch(() => "");
    if (text !== "") context.terminal.note(`--- ${name}, last lines\n${text.trimEnd().split("\n").slice(-10).join("\n")}`);
  }
}
