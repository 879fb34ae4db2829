/** lab demo: the main job on a lab that needs no hardware, told so that a newcomer sees what it rests on. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadLab } from "../../../inventory/load.js";
import { powerAgent, type Lab } from "../../../inventory/model.js";
import { FailedError } from "../../../proto/base/errors.js";
import type { Connection } from "../connection.js";
import { type Context, withLab } from "../context.js";
import { withFreePorts } from "../demo/demo-inventory.js";
import { type DemoCommand, type DemoScript, inventoryOf } from "../demo/scripts.js";
import { labDirectory } from "../lab-directory.js";
import { LocalLab } from "../local/local-lab.js";
import { dist } from "../local/programs.js";
import { duration } from "../units.js";
import { aborted } from "./up.js";

const agentsWithinMs = 30_000;

/** Types a command line in a context. */
export type Typist = (context: Context, words: readonly string[]) => Promise<void>;

export async function demo(context: Context, script: DemoScript, options: { keep: boolean }, type: Typist): Promise<void> {
  const { terminal, clock, signal } = context;
  const beganMs = clock.monotonicMs();
  const path = await mkdtemp(join(tmpdir(), "lab-demo-"));
  process.env["LAB_DEMO_BMC_PASSWORD"] = "demo-secret";
  const here: Context = { ...context, directory: labDirectory(context.env, path) };
  const show = (commands: readonly DemoCommand[]) => showCommands(here, commands, type);
  const inventory = join(path, "lab.yaml");
  await writeFile(inventory, await withFreePorts(await readFile(inventoryOf(script), "utf8")));
  terminal.print(terminal.style.bold(script.opening));
  const lab = await LocalLab.start(here, { inventory, listen: "127.0.0.1:0", sim: true, speedUp: script.speedUp });
  try {
    const { nodes } = loadLab(inventory);
    await show(powerOn(nodes));
    const agents = nodes.filter((node) => node.agent).map((node) => node.name);
    await withLab(here, (connection) => waitForAgents(here, connection, agents));
    await show(script.show);
    if (options.keep) return await keep(here, script, lab);
    await show(script.back);
    const again = script.system === "lego" ? "" : `${script.system} `;
    terminal.print(`\ndone in ${duration(clock.monotonicMs() - beganMs)}. Keep a lab to play with: npm run demo -- ${again}--keep`);
  } catch (error) {
    if (!signal.aborted) await showLogs(here, path);
    throw error;
  } finally {
    await lab.close();
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** A board may have no power control: it is on. */
function powerOn(nodes: Lab["nodes"]): readonly DemoCommand[] {
  const powered = nodes.filter((node) => powerAgent(node) !== undefined);
  if (powered.length === 0) return [];
  return [`power on ${powered.length === nodes.length ? "@all" : powered.map((node) => node.name).join(",")}`];
}

async function showCommands(here: Context, commands: readonly DemoCommand[], type: Typist): Promise<void> {
  const { terminal } = here;
  for (const command of commands) {
    const { type: words, say } = typeof command === "string" ? { type: command, say: "" } : command;
    terminal.print(terminal.style.bold(`\n$ lab ${words}${say === "" ? "" : `        # ${say}`}`));
    await type(here, words.split(" "));
  }
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

async function keep(context: Context, { worthTrying }: DemoScript, lab: LocalLab): Promise<void> {
  const { terminal, directory } = context;
  terminal.print(`  alias lab="node ${join(dist, "controller/cli/main.js")}"; export LAB_DIR=${directory.path}`);
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
