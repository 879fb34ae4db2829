/**
 * A lab as on many machines: controller, site agent, simulated machines and their node agents, each a process of its own, in a
 * directory of its own. Any of them can be killed and started again while the others go on. All is gone when the test ends.
 */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Test } from "tap";
import { type Connection, connectLab } from "../../../controller/cli/connection.js";
import type { Context } from "../../../controller/cli/context.js";
import { type LabDirectory, labDirectory } from "../../../controller/cli/lab-directory.js";
import { Daemon, type DaemonSpec } from "../../../controller/cli/local/daemon.js";
import { controllerSpec, simulatorSpec, siteAgentSpec } from "../../../controller/cli/local/daemon-specs.js";
import { freePorts } from "../../../controller/cli/local/free-ports.js";
import { plainStyle } from "../../../controller/cli/terminal.js";
import { loadLab } from "../../../inventory/load.js";
import { systemClock } from "../../../proto/base/clock.js";
import { until } from "../host/processes.js";
import { scratchDirectory } from "../host/scratch.js";
import { type Inventory, passwordVariable } from "./inventories.js";

export interface WholeLabOptions {
  readonly inventory: Inventory;
  /** How many times faster than iron the machines run. LegoOS's own time limits shrink with it. */
  readonly speedUp: number;
  /** Machines rest between off and on as long as real ones: seconds, in which a test can act. */
  readonly restful?: boolean;
}

const siteName = "site";
const machinesName = "lab sim";
const settleMs = 60_000;
const shownLines = 40;

export class WholeLab {
  readonly directory: LabDirectory;
  readonly nodes: readonly string[];
  readonly #context: Context;
  readonly #inventory: string;
  readonly #restful: boolean;
  readonly #daemons = new Map<string, Daemon>();
  #connection: Connection | undefined;
  /** HOST:PORT of the controller, the same for all its lives. */
  #address: string | undefined;

  private constructor(context: Context, inventory: string, restful: boolean) {
    this.#context = context;
    this.#restful = restful;
    this.directory = context.directory;
    this.#inventory = inventory;
    this.nodes = loadLab(inventory).nodes.map((node) => node.name);
  }

  /** Starts all of it; resolves when every machine runs Linux and its agent is connected. */
  static async start(t: Test, { inventory, speedUp, restful = false }: WholeLabOptions): Promise<WholeLab> {
    process.env[passwordVariable] = "secret of the test";
    // The test runner makes every child load its hooks: seconds for each of dozens of processes here.
    delete process.env["NODE_OPTIONS"];
    const path = await scratchDirectory(t);
    const file = join(path, "lab.yaml");
    await writeFile(file, inventory(await freePorts(3)));
    const lab = new WholeLab(contextOf(labDirectory({}, path)), file, restful);
    t.teardown(() => lab.#end(t.passing()));
    await lab.startController();
    await lab.startSiteAgent();
    await mkdir(lab.directory.simulation, { recursive: true });
    await lab.#startDaemon(await simulatorSpec(lab.#context, lab.connection, loadLab(file), speedUp));
    await lab.#switchOn();
    return lab;
  }

  /** Clients of the API, of the controller started last. */
  get connection(): Connection {
    if (this.#connection === undefined) throw new Error("the controller of this lab is not running");
    return this.#connection;
  }

  /** Starts it, or starts it again where it was. */
  async startController(): Promise<void> {
    const listen = this.#address ?? "127.0.0.1:0";
    await this.#startDaemon(controllerSpec(this.directory, { inventory: this.#inventory, listen }));
    this.#connection = await connectLab(this.directory, systemClock);
    this.#address = this.#connection.address;
  }

  async killController(): Promise<void> {
    this.#connection?.close();
    this.#connection = undefined;
    await this.#kill("lab-controller");
  }

  async startSiteAgent(): Promise<void> {
    await this.#startDaemon(await siteAgentSpec(this.#context, this.connection, siteName, !this.#restful));
  }

  killSiteAgent(): Promise<void> {
    return this.#kill(`lab-agent ${siteName}`);
  }

  /** Stops the machines in their tracks, BMCs included: datagrams reach them and are not answered. Returns how to let them go on. */
  silenceMachines(): () => void {
    const { pid } = this.#daemons.get(machinesName) ?? {};
    if (pid === undefined) throw new Error("the machines of this lab do not run");
    process.kill(pid, "SIGSTOP");
    return () => void process.kill(pid, "SIGCONT");
  }

  /** Kills the agent on a node. Its machine starts it again. Returns its process id. */
  async killNodeAgent(node: string): Promise<number> {
    const config = join(this.directory.simulation, node, "root/etc/labd/agent.json");
    for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
      const words = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
      if (!words.endsWith(`\0--config\0${config}\0`)) continue;
      process.kill(Number(pid), "SIGKILL");
      return Number(pid);
    }
    throw new Error(`no lab-agent runs on ${node}`);
  }

  /** Waits until every node's agent is connected. */
  async agentsConnected(): Promise<void> {
    const away = async () => (await this.#views()).filter((view) => !view.agentConnected).map((view) => view.name);
    await until(async () => (await away()).length === 0, "the agents of all nodes", { withinMs: settleMs });
  }

  /** The consoles are captured before the first byte comes: a log from then on has everything. */
  async #switchOn(): Promise<void> {
    const consoles = async () => (await this.connection.consoles.listConsoles({})).consoles;
    const areUp = async () => (await consoles()).filter((console) => console.state === "up").length === this.nodes.length;
    await until(areUp, "all consoles", { withinMs: settleMs });
    await Promise.all(
      this.nodes.map((node) =>
        this.connection.power.setPower({ node, verb: "on", key: `on-${node}`, fence: undefined, deadlineMs: settleMs, queueMs: 0 }),
      ),
    );
    await this.agentsConnected();
  }

  async #views() {
    return (await this.connection.nodes.listNodes({ nodeset: "", probePower: false })).nodes;
  }

  async #startDaemon(spec: DaemonSpec): Promise<void> {
    this.#daemons.set(spec.name, await Daemon.start(spec, systemClock, this.#context.signal));
  }

  async #kill(name: string): Promise<void> {
    const daemon = this.#daemons.get(name);
    if (daemon?.pid === undefined) throw new Error(`${name} does not run`);
    process.kill(daemon.pid, "SIGKILL");
    await daemon.stop();
    this.#daemons.delete(name);
  }

  async #end(passing: boolean): Promise<void> {
    this.#connection?.close();
    // In the order they were started: an agent that lets go of its BMCs still finds them there.
    for (const daemon of this.#daemons.values()) await daemon.stop();
    if (!passing) await showLogs(this.directory);
  }
}

function contextOf(directory: LabDirectory): Context {
  const nowhere = () => undefined;
  const terminal = { print: nowhere, write: nowhere, note: nowhere, interactive: false, columns: 120, rows: 40, style: plainStyle };
  return { terminal, clock: systemClock, env: process.env, directory, json: false, signal: new AbortController().signal };
}

/** What every daemon said last: where one looks first when a test has failed. */
async function showLogs(directory: LabDirectory): Promise<void> {
  const machines = await readdir(directory.simulation).catch(() => []);
  const logs = await readdir(join(directory.path, "log"));
  const files = [
    ...logs.map((name) => join(directory.path, "log", name)),
    ...machines.map((node) => join(directory.simulation, node, "agent.log")),
  ];
  for (const file of files) {
    const lines = (await readFile(file, "utf8").catch(() => "")).trimEnd().split("\n");
    const name = basename(file) === "agent.log" ? file.slice(directory.path.length + 1) : basename(file);
    process.stderr.write(`--- ${name}\n${lines.slice(-shownLines).join("\n")}\n`);
  }
}
