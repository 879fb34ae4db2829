/** N simulated BMCs as processes, each with its own address, power program calls and, when asked for, serial line. */
import type { ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { untilQuiet } from "../condition.js";
import { programPath } from "../programs.js";
import type { Workbench } from "../workbench.js";
import { freeAddresses, rmcpPort } from "./addresses.js";
import { powerProgramIn, powerScripts, usePowerScript, type PowerScript } from "./power-scripts.js";
import { allAnswer } from "./presence.js";
import { SerialSource } from "./serial-source.js";
import { emulation, lanConf, simulatorArguments } from "./simulator-files.js";

/** So many simulators are started before the next are: on few cores a crowd of them starves itself. */
const batch = 32;

export interface FarmOptions {
  readonly count: number;
  /** UDP; default 623, which only root may bind. */
  readonly port?: number;
  /** With serial lines; default without. */
  readonly serial?: boolean;
}

export interface FarmBmc {
  /** "n0000". */
  readonly node: string;
  readonly address: string;
  readonly directory: string;
}

/** How often the power programs ran, over all BMCs. */
export interface Executions {
  readonly on: number;
  readonly off: number;
  readonly reads: number;
}

export class Farm {
  readonly port: number;
  readonly bmcs: readonly FarmBmc[];
  readonly serial: SerialSource | undefined;
  readonly #bench: Workbench;
  readonly #directory: string;
  readonly #stop: () => Promise<void>;

  constructor(
    bench: Workbench,
    parts: {
      directory: string;
      port: number;
      bmcs: readonly FarmBmc[];
      serial: SerialSource | undefined;
      stop: () => Promise<void>;
    },
  ) {
    this.#bench = bench;
    this.#directory = parts.directory;
    this.port = parts.port;
    this.bmcs = parts.bmcs;
    this.serial = parts.serial;
    this.#stop = parts.stop;
  }

  /** "127.9": the first two bytes of every address, for a packet filter. */
  get network(): string {
    return (this.bmcs[0]?.address ?? "").split(".").slice(0, 2).join(".");
  }

  use(script: PowerScript): Promise<void> {
    return usePowerScript(this.#bench, this.#directory, script);
  }

  /** Puts every machine into a state, as if by hand, and forgets what the power programs did before. */
  async begin(power: "on" | "off"): Promise<void> {
    await Promise.all(
      this.bmcs.map(async ({ directory }) => {
        await writeFile(join(directory, "power"), power === "on" ? "1\n" : "0\n");
        await truncate(join(directory, "calls"));
      }),
    );
  }

  /** Resolves when no power program has run for `quietMs`: a BMC that was busy executes what was sent to it meanwhile. */
  quiet(quietMs: number): Promise<void> {
    const sizes = async () => {
      const all = await Promise.all(this.bmcs.map(({ directory }) => stat(join(directory, "calls"))));
      return all.reduce((sum, { size }) => sum + size, 0);
    };
    return untilQuiet("the power programs to come to an end", quietMs, sizes, { signal: this.#bench.signal });
  }

  async executions(): Promise<Executions> {
    const logs = await Promise.all(this.bmcs.map(({ directory }) => readFile(join(directory, "calls"), "latin1")));
    const calls = logs.flatMap((log) => log.split("\n")).map((line) => line.slice(line.indexOf(" ") + 1).trim());
    const count = (call: string) => calls.filter((each) => each === call).length;
    return { on: count("set power 1"), off: count("set power 0"), reads: count("get power") };
  }

  /** How many machines are in that state now. */
  async machinesThatAre(power: "on" | "off"): Promise<number> {
    const states = await Promise.all(this.bmcs.map(({ directory }) => readFile(join(directory, "power"), "latin1")));
    return states.filter((state) => state.trim() === (power === "on" ? "1" : "0")).length;
  }

  stop(): Promise<void> {
    return this.#stop();
  }
}

/** Starts a farm; resolves when every BMC answers and has its serial line. */
export async function startFarm(bench: Workbench, { count, port = rmcpPort, serial: withSerial = false }: FarmOptions): Promise<Farm> {
  const simulator = programPath("ipmi_sim");
  const directory = await bench.newDirectory("farm");
  const addresses = await freeAddresses(count, port);
  await usePowerScript(bench, directory, powerScripts[0]!);
  const emulationPath = join(directory, "cmd.emu");
  await writeFile(emulationPath, emulation);
  // BMCs that do not find their serial line try again only every 10 s.
  const serial = withSerial ? await SerialSource.start(bench, count) : undefined;
  const bmcs = await Promise.all(
    addresses.map(async (address, index): Promise<FarmBmc> => {
      const node = `n${String(index).padStart(4, "0")}`;
      const own = join(directory, node);
      await mkdir(join(own, "state"), { recursive: true });
      const plan = { index, address, port, powerProgram: powerProgramIn(directory), directory: own, serialPort: serial?.ports[index] };
      await writeFile(join(own, "lan.conf"), lanConf(plan));
      await writeFile(join(own, "power"), "0\n");
      await writeFile(join(own, "calls"), "");
      return { node, address, directory: own };
    }),
  );
  const simulators: ChildProcess[] = [];
  for (let first = 0; first < count; first += batch) {
    const some = bmcs.slice(first, first + batch);
    simulators.push(
      ...(await Promise.all(
        some.map((bmc) => startSimulator(bench, [simulator, ...simulatorArguments(bmc.directory, emulationPath)], bmc)),
      )),
    );
    await allAnswer(
      some.map(({ address }) => address),
      port,
      bench.signal,
    );
  }
  await serial?.connected();
  const stop = async () => {
    await Promise.all(simulators.map((simulator) => bench.stop(simulator)));
    if (serial !== undefined) await serial.stop(bench);
  };
  return new Farm(bench, { directory, port, bmcs, serial, stop });
}

/** Its words go to a file: with a pipe, this process would have to read them. */
async function startSimulator(bench: Workbench, argv: readonly string[], { directory }: FarmBmc) {
  const output = openSync(join(directory, "output"), "a");
  try {
    return await bench.start(argv, { cwd: directory, stdio: ["ignore", output, output] });
  } finally {
    closeSync(output);
  }
}
