/**
 * LegoOS's modules inside a running Linux, behind insmod (facts: LegoOS §4). insmod fit.ko says nothing and ends with 0 whatever
 * becomes of the connection: only the kernel log tells. There is no clean unload.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { RunningLinux, ToolHandler, ToolHandlers, ToolReply, ToolRequest } from "../kernel.js";
import { LegoFabric } from "./fabric.js";
import { FitLayer, lidMismatch } from "./fit-layer.js";
import { infinibandTools } from "./infiniband-tools.js";
import { type LinuxModule, parseModule } from "./image.js";
import { Lifetime } from "./lifetime.js";
import { checkNodeTable } from "./node-table.js";

/** The only Linux the modules work with. */
const requiredRelease = "3.11.1";
const interfaceMs = 8_000;
/** The module knows no FIT_INITIAL_SLEEP_TIMEOUT: thirty seconds. */
const initialSleepMs = 30_000;
const portRetryMs = 10_000;
const selfMonitorMs = 30_000;
const moduleBytes = 123_456;

/** FIT of one boot of a Linux: "up" once every node has joined. */
interface Loaded {
  fit: "absent" | "loading" | "down" | "up";
  lid: number;
  readonly lifetime: Lifetime;
}

/** Handlers for a simulated Linux: insmod and rmmod, and the InfiniBand and PCI tools a LegoOS build host has. */
export function legoModules(): ToolHandlers {
  const boots = new WeakMap<RunningLinux, Loaded>();
  const insmod: ToolHandler = async (request, linux) => {
    let loaded = boots.get(linux);
    if (loaded === undefined) {
      loaded = { fit: "absent", lid: 0, lifetime: new Lifetime(linux.hardware.time) };
      const { lifetime } = loaded;
      linux.stopped.addEventListener("abort", () => lifetime.end(), { once: true });
      boots.set(linux, loaded);
    }
    return insert(request, linux, loaded);
  };
  const rmmod: ToolHandler = ({ argv }, linux) => {
    const name = moduleName(argv.at(-1) ?? "");
    const reason = linux.modules.includes(name) ? `Module ${name} is in use` : `Module ${name} is not currently loaded`;
    return Promise.resolve({ exitCode: 1, stderr: `rmmod: ERROR: ${reason}\n` });
  };
  return { insmod, rmmod, ...infinibandTools };
}

async function insert({ argv, cwd }: ToolRequest, linux: RunningLinux, loaded: Loaded): Promise<ToolReply> {
  const path = argv.find((word) => !word.startsWith("-")) ?? "";
  const { rootDirectory } = linux.hardware;
  const file = path.startsWith(`${rootDirectory}/`) ? path : join(rootDirectory, resolve(cwd, path));
  if (!existsSync(file)) return failed(`could not load module ${path}: No such file or directory`);
  const module = parseModule(readFileSync(file, "utf8"));
  const refuse = (why: string) => failed(`could not insert module ${path}: ${why}`);
  if (module === undefined) return refuse("Invalid module format");
  const name = moduleName(module.name);
  if (linux.modules.includes(name)) return refuse("File exists");
  if (module.vermagic !== linux.release || linux.release !== requiredRelease) {
    const expected = module.vermagic === linux.release ? requiredRelease : linux.release;
    linux.printk(`${name}: version magic '${module.vermagic} SMP mod_unload ' should be '${expected} SMP mod_unload '`);
    return refuse("Invalid module format");
  }
  if (module.name === "fit") return insertFit(module, linux, loaded);
  if (loaded.fit === "absent") {
    linux.printk(`${name}: Unknown symbol ibapi_receive_message (err 0)`);
    return refuse("Unknown symbol in module");
  }
  return module.name === "storage" ? insertStorage(module, linux, loaded, refuse) : insertMonitor(module, linux);
}

async function insertFit(module: Extract<LinuxModule, { name: "fit" }>, linux: RunningLinux, loaded: Loaded): Promise<ToolReply> {
  const { infiniband, shared, node } = linux.hardware;
  const { constants } = module;
  linux.addModule("fit", moduleBytes);
  loaded.fit = "loading";
  const table = checkNodeTable(module.table);
  for (const complaint of table.complaints) linux.printk(`fit: ${complaint}`);
  if (infiniband === undefined) return notConnected(linux, loaded, "ERROR: ibapi_establish_conn uninitilized ibapi_dev");
  while (!infiniband.subnetManager) {
    linux.printk("Couldn't get local LID 0 state 2");
    await loaded.lifetime.pause(portRetryMs);
  }
  linux.printk(`got local LID ${infiniband.lid}`);
  const tableLid = table.nodes[constants.localId]?.lid ?? 0;
  if (tableLid !== infiniband.lid) {
    linux.printk(`fit: ${lidMismatch(infiniband.lid, tableLid)}`);
    return notConnected(linux, loaded, "ibapi_establish_conn: ctx           (null) fail to init_interface ");
  }
  const fabric = LegoFabric.of(shared);
  fabric.registerPort(infiniband.lid, node);
  await loaded.lifetime.pause(interfaceMs);
  const { lifetime } = loaded;
  const print = (text: string) => linux.printk(`fit: ${text}`);
  const layer = new FitLayer({ fabric, lid: infiniband.lid, constants, table, initialSleepMs, lifetime, print });
  await layer.connect();
  linux.printk(`FIT layer done with all initialization on node ${constants.localId}. Ready to go!`);
  loaded.fit = "up";
  loaded.lid = infiniband.lid;
  return { exitCode: 0 };
}

/** The connection failed; the module stays, and insmod is content. */
function notConnected(linux: RunningLinux, loaded: Loaded, why: string): ToolReply {
  linux.printk(why);
  loaded.fit = "down";
  return { exitCode: 0 };
}

async function insertStorage(
  module: Extract<LinuxModule, { name: "storage" }>,
  linux: RunningLinux,
  loaded: Loaded,
  refuse: (why: string) => ToolReply,
): Promise<ToolReply> {
  if (loaded.fit !== "up") {
    linux.printk("LegoOS FIT module is not ready.");
    return refuse("Input/output error");
  }
  linux.addModule("storage", moduleBytes);
  const { rootDirectory, shared } = linux.hardware;
  LegoFabric.of(shared).serve(loaded.lid, { kind: "storage", readFile: (path) => readRegularFile(join(rootDirectory, path)) });
  // With STORAGE_BYPASS_PAGE_CACHE insmod's own process becomes the storage manager: it never returns.
  if (module.bypassPageCache) return new Promise(() => undefined);
  linux.addKernelThread("lego-storaged");
  linux.addKernelThread("lego-self-monitor");
  const monitor = () => {
    linux.printk("storage_self_monitor(): in_handler=0");
    loaded.lifetime.after(selfMonitorMs, monitor);
  };
  monitor();
  return { exitCode: 0 };
}

function insertMonitor(module: Extract<LinuxModule, { nodeIds: readonly number[] }>, linux: RunningLinux): ToolReply {
  linux.addModule(module.name, moduleBytes);
  if (module.name === "lego_gmm") {
    linux.printk("lego memory monitor module init is called.");
    for (const id of module.nodeIds) linux.printk(`memory node with id ${id} is online`);
  } else if (module.name === "lego_gpm") {
    linux.printk("lego processor monitor module init called.");
    for (const id of module.nodeIds) linux.printk(`processor node with node_id ${id} is online`);
  }
  return { exitCode: 0 };
}

function readRegularFile(host: string): string | undefined {
  return statSync(host, { throwIfNoEntry: false })?.isFile() === true ? readFileSync(host, "utf8") : undefined;
}

function moduleName(path: string): string {
  return (path.split("/").at(-1) ?? "").replace(/\.ko$/, "").replaceAll("-", "_");
}

function failed(reason: string): ToolReply {
  return { exitCode: 1, stderr: `insmod: ERROR: ${reason}\n` };
}
