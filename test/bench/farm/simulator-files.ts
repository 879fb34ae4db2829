/** What OpenIPMI's ipmi_sim reads: one lan.conf a BMC, one emulation for all (ipmi_lan(5), ipmi_sim_cmd(5)). */
import { join } from "node:path";

export const login = { user: "admin", password: "secret" } as const;

/** A BMC with a SEL, a sensor and no SDRs. */
export const emulation = [
  "mc_setbmc 0x20",
  "mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr",
  "sel_enable 0x20 1000 0x0a",
  "sensor_add 0x20 0 0 35 0x6f event-only",
  "sensor_set_event_support 0x20 0 0 enable scanning per-state 000000000001111 000000000000000 000000000001111 000000000000000",
  "mc_enable 0x20",
  "",
].join("\n");

export interface SimulatorPlan {
  readonly index: number;
  readonly address: string;
  readonly port: number;
  /** The power program, called as `POWERPROG DIRECTORY …`. */
  readonly powerProgram: string;
  readonly directory: string;
  /** TCP port of 127.0.0.1 its serial line is connected to; undefined = it has none. */
  readonly serialPort: number | undefined;
}

export function lanConf({ index, address, port, powerProgram, directory, serialPort }: SimulatorPlan): string {
  const levels = ["callback", "user", "operator", "admin"].map((level) => `    allowed_auths_${level} none md2 md5 straight`);
  return [
    `name "bmc${index}"`,
    "set_working_mc 0x20",
    "  startlan 1",
    `    addr ${address} ${port}`,
    "    priv_limit admin",
    ...levels,
    `    guid a123456789abcdefa12345678${String(index).padStart(7, "0")}`,
    "  endlan",
    `  chassis_control "${powerProgram} ${directory}"`,
    ...(serialPort === undefined ? [] : [`  sol "tcp:127.0.0.1:${serialPort}" 115200`]),
    '  user 1 false "" "" user 10 none md2 md5 straight',
    `  user 2 true "${login.user}" "${login.password}" admin 10 none md2 md5 straight`,
    "",
  ].join("\n");
}

/** `ipmi_sim`'s arguments for a BMC whose files are in `directory`; `-n`: it has no console on its standard input. */
export function simulatorArguments(directory: string, emulationPath: string): readonly string[] {
  return ["-c", join(directory, "lan.conf"), "-f", emulationPath, "-s", join(directory, "state"), "-n"];
}
