/** pyghmi's BMC as a process (Debian's python3-pyghmi): a second implementation, with suite 3 alone. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { freeUdpPort } from "./ipmi-sim.js";

/** Not whatever python3 is first on the PATH: the package is Debian's. */
const python = "/usr/bin/python3";
const program = join(import.meta.dirname, "../../../../test/support/ipmi/pyghmi-bmc.py");

export const pyghmiMissing =
  spawnSync(python, ["-c", "import pyghmi.ipmi.bmc"], { stdio: "ignore" }).status === 0
    ? false
    : "pyghmi is missing: apt-get install python3-pyghmi";

export interface PyghmiBmc {
  readonly port: number;
  /** The machine's end of the serial line. */
  readonly serial: Socket;
  /** What the machine was told: "on", "cycle"… */
  executed(): readonly string[];
  stop(): Promise<void>;
}

/** Starts a BMC with user admin, password secret; resolves when it serves. Throws when it does not within ten seconds. */
export async function startPyghmiBmc(): Promise<PyghmiBmc> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const port = await freeUdpPort();
  const connected = once(server, "connection") as Promise<[Socket]>;
  const serialPort = String((server.address() as AddressInfo).port);
  const process = spawn(python, [program, String(port), serialPort], { stdio: ["ignore", "pipe", "inherit"] });
  const said: string[] = [];
  const lines = createInterface({ input: process.stdout });
  lines.on("line", (line) => said.push(line));
  const ended = once(process, "exit");
  const stop = async () => {
    process.kill("SIGKILL");
    await ended;
    server.close();
  };
  const ready = (async () => {
    while (!said.includes("ready")) await once(lines, "line", { signal: AbortSignal.timeout(10_000) });
    return connected;
  })();
  const failed = ended.then(([code]) => {
    throw new Error(`pyghmi's BMC ended with ${String(code)} before it served`);
  });
  failed.catch(() => undefined);
  try {
    const [serial] = await Promise.race([ready, failed]);
    return {
      port,
      serial,
      executed: () => said.flatMap((line) => (line.startsWith("executed ") ? [line.slice("executed ".length)] : [])),
      async stop() {
        serial.destroy();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
