/** The command line of `lab`: names, options, help with examples that work as printed. What a command does stands in commands/. */
import { Argument, Command, InvalidArgumentError as BadOption, Option } from "commander";
import { confirmPower, powerStatus, setPower } from "./commands/power.js";
import { attachConsole } from "./commands/console.js";
import { bootOnce, listBoot } from "./commands/boot.js";
import { checkInventory, printSchema, showInventory } from "./commands/inventory.js";
import { createToken, login } from "./commands/enroll.js";
import { complete, printCompletionScript } from "./commands/completion.js";
import { demo, type Typist } from "./commands/demo.js";
import { printEvents } from "./commands/events.js";
import { execute } from "./commands/exec.js";
import { listNodes } from "./commands/nodes.js";
import { simulate } from "./commands/sim.js";
import { beginFaults, healFaults, listFaults } from "./commands/sim-faults.js";
import { tail } from "./commands/tail.js";
import { up } from "./commands/up.js";
import { verifySerialLog } from "./commands/log.js";
import { type Shell, shells } from "./completion.js";
import type { Context } from "./context.js";
import { offeredScripts } from "./demo/scripts.js";
import { addBmc } from "./bmc-commands.js";
import { addDeployments } from "./deployment-commands.js";
import { collect, natural, positive, span } from "./option-values.js";

/** Runs one command in the context that its global options describe. */
export type Launch = (work: (context: Context) => Promise<void> | void, globals: GlobalOptions) => Promise<void>;

export interface GlobalOptions {
  readonly json: boolean;
  readonly color: boolean;
  readonly dir?: string;
}

export function buildProgram(launch: Launch, version: string): Command {
  const program = new Command("lab")
    .description("Deploys, powers, boots and proves systems on the machines of a lab; shows any serial line from anywhere.")
    .version(version)
    .option("--json", "one JSON object a line instead of words", false)
    .option("--no-color", "no colour (NO_COLOR does the same)")
    .option("--dir <directory>", "where the local lab and the login are kept (LAB_DIR; default ~/.lab)")
    .showHelpAfterError("(lab --help shows all commands; lab COMMAND --help has an example)")
    .exitOverride();
  const does =
    <A extends unknown[]>(work: (context: Context, ...args: A) => Promise<void> | void) =>
    async (...args: unknown[]) => {
      const command = args[args.length - 1] as Command;
      await launch((context) => work(context, ...(args.slice(0, -1) as A)), command.optsWithGlobals());
    };
  addLocal(program, does, version);
  addInventory(program, does);
  addMachines(program, does);
  addBmc(program, does);
  addConsoles(program, does);
  addDeployments(program, does);
  addCompletion(program, does);
  for (const command of allCommands(program)) command.exitOverride().configureHelp({ sortSubcommands: false });
  return program;
}

export type Does = <A extends unknown[]>(
  work: (context: Context, ...args: A) => Promise<void> | void,
) => (...args: unknown[]) => Promise<void>;

function addLocal(program: Command, does: Does, version: string): void {
  const scripts = offeredScripts();
  /** What a demo shows is typed like anything else. */
  const type: Typist = async (context, words) => {
    await buildProgram(async (work) => work(context), version).parseAsync(words, { from: "user" });
  };
  const speedUp = new Option("--speed-up <times>", "how many times faster than iron simulated machines run")
    .default(10)
    .argParser(positive);
  program
    .command("demo")
    .description("the main job on a simulated lab: deploy a system, see the evidence, use it, go back to Linux")
    .addArgument(
      new Argument("[system]", "which system; lego is LegoOS 1P-1M-1S").choices(scripts.map((each) => each.system)).default("lego"),
    )
    .option("--keep", "leave the lab running and say what to try", false)
    .addHelpText("after", "\nExample:\n  lab demo --keep")
    .action(
      does(async (context, system: string, options: { keep: boolean }) => {
        const script = scripts.find((each) => each.system === system);
        if (script !== undefined) await demo(context, script, options, type);
      }),
    );
  program
    .command("up <inventory>")
    .description("a controller and the site agents of an inventory on this machine, until Ctrl-C")
    .option("--listen <host:port>", "where the controller listens", "127.0.0.1:7443")
    .option("--sim", "simulate every machine of the inventory too", false)
    .addOption(speedUp)
    .addHelpText("after", "\nExample:\n  lab up inventory/examples/demo.yaml --sim")
    .action(
      does((context, inventory: string, options: { listen: string; sim: boolean; speedUp: number }) => up(context, inventory, options)),
    );
  const sim = program
    .command("sim <inventory>")
    .description("simulate every machine of an inventory for a controller that runs already")
    .addOption(speedUp)
    .addHelpText("after", "\nExample:\n  lab sim lab.yaml --speed-up 20")
    .action(does((context, inventory: string, options: { speedUp: number }) => simulate(context, inventory, options)));
  addFaults(sim, does);
  program
    .command("login <address> <token>")
    .description("use a lab elsewhere, with a token its operator made")
    .addHelpText("after", "\nExample:\n  lab login rack1.example.org:7443 TOKEN")
    .action(does((context, address: string, token: string) => login(context, address, token)));
  program
    .command("token <kind> <name>")
    .description("make a token that admits an agent or an operator once")
    .addOption(new Option("--ttl <minutes>", "life of the token").default(60).argParser(positive))
    .addHelpText("after", "\nExample:\n  lab token agent p0\n  lab token operator ada")
    .action(
      does((context, kind: string, name: string, options: { ttl: number }) => {
        if (kind !== "agent" && kind !== "operator") throw new BadOption(`"${kind}": a token is for an agent or an operator`);
        return createToken(context, kind, name, options.ttl * 60_000);
      }),
    );
}

function addFaults(sim: Command, does: Does): void {
  sim
    .command("faults")
    .description("what can be wrong with a simulated BMC, and what is")
    .action(does((context) => listFaults(context)));
  sim
    .command("fault <node> [faults...]")
    .description("from now on this is wrong with a node's BMC; without a fault: tell what is")
    .addHelpText("after", "\nExample:\n  lab sim fault p0 drop=30% reboot-bmc=20s")
    .action(does((context, node: string, faults: string[]) => beginFaults(context, node, faults)));
  sim
    .command("heal <node> [faults...]")
    .description("end these faults of a node's BMC, or all")
    .addHelpText("after", "\nExample:\n  lab sim heal p0 drop")
    .action(does((context, node: string, faults: string[]) => healFaults(context, node, faults)));
}

function addInventory(program: Command, does: Does): void {
  const inventory = program.command("inventory").description("inventory files: check, show, schema for editors (no lab needed)");
  inventory
    .command("check <file>")
    .description("report every problem with its place and a way out (exit 3)")
    .addHelpText("after", "\nExample:\n  lab inventory check inventory/examples/rack1.yaml")
    .action(does((context, file: string) => checkInventory(context, file)));
  inventory
    .command("show <file>")
    .description("the lab with every default applied")
    .action(does((context, file: string) => showInventory(context, file)));
  inventory
    .command("schema")
    .description("JSON Schema of an inventory file")
    .addHelpText("after", "\nExample:\n  lab inventory schema > lab.schema.json")
    .action(does((context) => printSchema(context)));
}

function addMachines(program: Command, does: Does): void {
  program
    .command("nodes [nodeset]")
    .description("every node: power, what it runs, agent, console, lease")
    .option("--no-probe", "do not ask the BMCs, show the power state last seen")
    .addHelpText("after", "\nExample:\n  lab nodes p[0-3],@memory")
    .action(does((context, nodeset: string | undefined, options: { probe: boolean }) => listNodes(context, nodeset ?? "", options)));
  program
    .command("events [nodeset]")
    .description("what happens in the lab, as it happens, until Ctrl-C: agents, consoles, boots, power, leases, runs")
    .addHelpText("after", "\nExample:\n  lab events @lego")
    .action(does((context, nodeset: string | undefined) => printEvents(context, nodeset ?? "")));
  const power = program.command("power").description("chassis power of a nodeset");
  power
    .command("status <nodeset>")
    .description("on or off, as each node's BMC or switch tells; what is held back, and what an operator is asked to do")
    .addHelpText("after", "\nExample:\n  lab power status @lego")
    .action(does((context, nodeset: string) => powerStatus(context, nodeset)));
  const verbs = {
    on: "power on; done when the node reads on",
    off: "power off at once; done when the node reads off",
    cycle: "off, rest, on; done when the node reads on again",
    reset: "hard reset of a node that is on; done when it reads on, and has started anew where that can be told",
    soft: "ask the operating system to shut down; done when the node reads off",
  };
  for (const [verb, meaning] of Object.entries(verbs)) {
    power
      .command(`${verb} <nodeset>`)
      .description(meaning)
      .option("--yes", "act on more than eight nodes without asking", false)
      .addOption(new Option("--timeout <time>", "how long the state may take: 90, 90s, 3m").default(120_000, "120s").argParser(span))
      .addOption(
        new Option("--queue-timeout <time>", "how long a node may wait for its turn, by its power group and the agent's window")
          .default(30 * 60_000, "30m")
          .argParser(span),
      )
      .addHelpText("after", `\nExample:\n  lab power ${verb} p[0-3],@board`)
      .action(
        does((context, nodeset: string, options: { yes: boolean; timeout: number; queueTimeout: number }) => {
          const { yes, timeout: timeoutMs, queueTimeout: queueMs } = options;
          return setPower(context, verb, nodeset, { yes, timeoutMs, queueMs });
        }),
      );
  }
  power
    .command("confirm <node>")
    .addArgument(new Argument("<state>", "how it stands now").choices(["on", "off"]))
    .description("say what you did by hand to a node whose power is manual")
    .addHelpText("after", "\nExample:\n  lab power confirm m3 off")
    .action(does((context, node: string, state: string) => confirmPower(context, node, state)));
  const boot = program.command("boot").description("what a node boots");
  boot
    .command("list <node>")
    .description("entries, the default, the choice for the next boot")
    .action(does((context, node: string) => listBoot(context, node)));
  boot
    .command("once <node> <entry>")
    .description('boot this entry next, once; "" takes the choice back')
    .addHelpText("after", "\nExample:\n  lab boot once p0 rescue")
    .action(does((context, node: string, id: string) => bootOnce(context, node, id)));
  program
    .command("exec <nodeset> <command...>")
    .description("run a command on nodes; no shell is involved")
    .option("--cwd <directory>", "working directory on the node", "")
    .addOption(new Option("--timeout <seconds>", "end it after this long").default(0).argParser(natural))
    .addHelpText("after", "\nExample:\n  lab exec @lego -- uname -r")
    .action(
      does((context, nodeset: string, command: string[], options: { cwd: string; timeout: number }) =>
        execute(context, nodeset, command, { cwd: options.cwd, timeoutMs: options.timeout * 1000 }),
      ),
    );
}

function addConsoles(program: Command, does: Does): void {
  program
    .command("tail <nodeset>")
    .description("serial lines of nodes, or of a deployment, merged in time order")
    .option("-f, --follow", "go on with what comes", false)
    .option("--since <when>", "from this time: 10m, 2h, yesterday, an ISO time")
    .option("--boot <number>", "from the start of a boot: -1 is the current one")
    .option("-n, --lines <count>", "this many lines before the end (default 10)")
    .option("--merge", "merge by time (always done; kept for scripts)", true)
    .option("--timestamps", "with the time of receipt (the default)", true)
    .option("--no-timestamps", "without it")
    .addHelpText("after", "\nExample:\n  lab tail lego-1p1m1s -f --since 2m")
    .action(
      does((context, nodeset: string, options: { follow: boolean; since?: string; boot?: string; lines?: string; timestamps: boolean }) =>
        tail(context, nodeset, options),
      ),
    );
  program
    .command("console <node>")
    .description("sit at a serial line: ~. leaves, ~b sends BREAK, ~? helps")
    .option("--steal", "take the right to write from whoever has it", false)
    .option("--read-only", "watch without writing", false)
    .addHelpText("after", "\nExample:\n  lab console p0")
    .action(does((context, node: string, options: { steal: boolean; readOnly: boolean }) => attachConsole(context, node, options)));
  const log = program.command("log").description("serial logs");
  log
    .command("verify <file>")
    .description("what a serial log proves, without a lab (exit 0 proven, 1 not proven)")
    .requiredOption("--recipe <name>", "recipe whose evidence to look for")
    .requiredOption("--role <role>", "role of the machine the log is of")
    .option("--with <key=value>", "evidence profile, e.g. fit=ethernet", collect, [])
    .option("--nonce <text>", "nonce the program must have printed")
    .addHelpText("after", "\nExample:\n  lab log verify --recipe lego --role processor p0.log")
    .action(
      does((context, file: string, options: { recipe: string; role: string; with: string[]; nonce?: string }) =>
        verifySerialLog(context, file, options),
      ),
    );
}

function addCompletion(program: Command, does: Does): void {
  program
    .command("completion")
    .addArgument(new Argument("<shell>", "your shell").choices(shells))
    .description("completion that knows the lab's nodes, tags, deployments and runs")
    .addHelpText("after", '\nExample:\n  eval "$(lab completion bash)"')
    .action(does((context, shell: Shell) => printCompletionScript(context, shell)));
  program
    .command("complete [words...]", { hidden: true })
    .allowUnknownOption()
    .action(does((context, words: string[]) => complete(context, program, words)));
}

function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}
