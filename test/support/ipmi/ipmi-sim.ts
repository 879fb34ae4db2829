/** OpenIPMI's BMC simulator as a process: one BMC, one machine behind it, one serial line that the test holds the other end of. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { fromHex } from "./bytes.js";

export const ipmiSimMissing =
  spawnSync("ipmi_sim", ["-h"], { stdio: "ignore" }).error === undefined ? false : "ipmi_sim is missing: apt-get install openipmi";

export interface IpmiSim {
  readonly port: number;
  /** The machine's end of the serial line. */
  readonly serial: Socket;
  /** What the power program was told, in order: "set power 1". */
  powerCalls(): readonly string[];
  stop(): Promise<void>;
}

/**
 * Starts a BMC with user admin, password secret; resolves when it answers. `directory` must be the test's own. `commands`: more of its
 * emulator, such as sensors, before it is switched on (ipmi_sim_cmd(5)).
 */
export async function startIpmiSim(directory: string, commands: readonly string[] = []): Promise<IpmiSim> {
  const state = join(directory, "state");
  mkdirSync(state);
  // The serial source must listen before the simulator starts: it tries again only every 10 s.
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const port = await freeUdpPort();
  writePowerProgram(directory);
  writeFileSync(join(directory, "lan.conf"), lanConf(directory, port, serialPort(server)));
  writeFileSync(
    join(directory, "cmd.emu"),
    ["mc_setbmc 0x20", "mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr", ...commands, "mc_enable 0x20", ""].join("\n"),
  );
  const connected = once(server, "connection") as Promise<[Socket]>;
  const arguments_ = ["-c", join(directory, "lan.conf"), "-f", join(directory, "cmd.emu"), "-s", state, "-n"];
  const process = spawn("ipmi_sim", arguments_, { cwd: directory, stdio: "ignore" });
  const [serial] = await connected;
  await answers(port);
  return {
    port,
    serial,
    powerCalls: () => readLines(join(directory, "calls")).filter((line) => /^set (power|reset)/.test(line)),
    stop: () => stop(process, server, serial),
  };
}

function lanConf(directory: string, port: number, sol: number): string {
  const levels = ["callback", "user", "operator", "admin"].map((level) => `    allowed_auths_${level} none md2 md5 straight`);
  return [
    'name "bmc"',
    "set_working_mc 0x20",
    "  startlan 1",
    `    addr 127.0.0.1 ${port}`,
    "    priv_limit admin",
    ...levels,
    "    guid a123456789abcdefa123456780000000",
    "  endlan",
    `  chassis_control "${join(directory, "power")}"`,
    `  sol "tcp:127.0.0.1:${sol}" 115200`,
    '  user 1 false "" "" user 10 none md2 md5 straight',
    '  user 2 true "admin" "secret" admin 10 none md2 md5 straight',
    "",
  ].join("\n");
}

function writePowerProgram(directory: string): void {
  const script = `#!/bin/sh
cd '${directory}'
echo "$*" >> calls
case "$1 $2" in
"get power") echo "power:$(cat on 2>/dev/null || echo 0)" ;;
"get boot") echo boot:default ;;
"set power") echo "$3" > on ;;
esac
`;
  writeFileSync(join(directory, "power"), script, { mode: 0o755 });
}

/** Asks for the BMC's capabilities until it answers. */
async function answers(port: number): Promise<void> {
  const socket = createSocket("udp4");
  const ask = () => socket.send(fromHex("0600ff07000000000000000000092018c88100388e04b5"), port, "127.0.0.1");
  const asking = setInterval(ask, 50);
  try {
    ask();
    await once(socket, "message", { signal: AbortSignal.timeout(10_000) });
  } finally {
    clearInterval(asking);
    socket.close();
  }
}

async function stop(process: ChildProcess, server: Server, serial: Socket): Promise<void> {
  const gone = process.exitCode === null && process.signalCode === null ? once(process, "exit") : undefined;
  process.kill("SIGKILL");
  await gone;
  serial.destroy();
  server.close();
}

/** A port that was free a moment ago. */
export async function freeUdpPort(): Promise<number> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}

function serialPort(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

function readLines(path: string): readonly string[] {
  try {
    return readFileSync(path, "utf8").trim().split("\n");
  } catch {
    return [];
  }
}
