/** Every power driver does what the port says, and so does the fake that stands for them. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { chmod, mkdir, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import t, { type Test } from "tap";
import { BmcPool } from "../../../../../agent/drivers/bmc.js";
import { AgentPowerDevice } from "../../../../../agent/drivers/power/agent-soft.js";
import { CommandPowerDevice } from "../../../../../agent/drivers/power/command.js";
import { openIpmiPower } from "../../../../../agent/drivers/power/ipmi.js";
import { ManualPowerDevice } from "../../../../../agent/drivers/power/manual.js";
import { HostMachine } from "../../../../../agent/host/facts/machine.js";
import { RootDirectory } from "../../../../../agent/host/root-directory.js";
import { chassisControl, getChassisStatus } from "../../../../../agent/ipmi/command/index.js";
import { SshMachine } from "../../../../../agent/ssh/machine.js";
import { sleep, systemClock } from "../../../../../proto/base/clock.js";
import { silentLogger } from "../../../../../proto/base/logger.js";
import { FakeClock } from "../../../../support/fake-clock.js";
import { FakePowerDevice } from "../../../../support/host/fake-power-device.js";
import { powerDeviceContract, type DeviceVerb } from "../../../../support/host/power-device-contract.js";
import { runs } from "../../../../support/host/processes.js";
import { scratchDirectory } from "../../../../support/host/scratch.js";
import { BmcDouble } from "../../../../support/ipmi/bmc-double.js";
import { seededBytes } from "../../../../support/ipmi/bytes.js";
import { localShell } from "../../../../support/ssh/local-shell.js";

powerDeviceContract(t, "fake", async () => {
  const clock = new FakeClock();
  const device = new FakePowerDevice("off", clock);
  return { device, executions: () => device.acts.length, loseReply: () => device.loseReply(), second: () => clock.advance(1000) };
});

powerDeviceContract(t, "ipmi", async (t) => {
  const clock = new FakeClock();
  const bmc = new BmcDouble();
  const chassis = { on: false, executed: 0, mute: false };
  bmc.answer(getChassisStatus, () => ({ code: 0, data: Uint8Array.of(chassis.on ? 0x01 : 0x00, 0x10, 0x00) }));
  bmc.answer(chassisControl, ([action = 0]) => {
    chassis.executed += 1;
    chassis.on = [1, 2, 3].includes(action);
    const lost = chassis.mute;
    chassis.mute = false;
    return lost ? undefined : { code: 0 };
  });
  const pool = new BmcPool({ clock, log: silentLogger, transport: bmc, random: seededBytes(5) });
  t.teardown(() => pool.close());
  return {
    device: openIpmiPower(pool, { address: "10.0.1.10", user: "admin", password: "secret" }),
    executions: () => chassis.executed,
    loseReply: () => void (chassis.mute = true),
    readsBeforeReset: true,
    goSilent: () => bmc.silence(true),
    answerAgain: () => bmc.silence(false),
    second: () => clock.advance(1000),
  };
});

/** A relay board's program: its state and what it executed are files. */
const plug = `#!/bin/sh
cd "$(dirname "$0")"
if [ -e silent ]; then sleep 60 & echo $! >> pids; echo $$ >> pids; wait; fi
case $1 in
  status) [ -e on ] && echo "ON  (12 W) start=$(cat start)" || echo off;;
  on) echo on >> executed; [ -e on ] || date +%N > start; touch on;;
  off|soft) echo $1 >> executed; rm -f on;;
  reset) echo reset >> executed; date +%N > start;;
  *) exit 64;;
esac
if [ "$1" != status ] && [ -e mute ]; then rm mute; exit 75; fi
exit 0
`;

powerDeviceContract(t, "command", async (t) => {
  const directory = await scratchDirectory(t);
  const file = (name: string) => join(directory, name);
  const clock = new FakeClock();
  await writeFile(file("plug"), plug);
  await chmod(file("plug"), 0o755);
  return {
    device: new CommandPowerDevice({ node: "p0", argv: [file("plug")], clock }),
    executions: () => lines(file("executed")).length,
    loseReply: () => writeFile(file("mute"), ""),
    readsBeforeReset: true,
    goSilent: () => writeFile(file("silent"), ""),
    answerAgain: () => unlink(file("silent")),
    // The program is a process: its time is real, and its deadline may only pass when it is silent.
    second: () => (existsSync(file("silent")) ? clock.advance(1000) : sleep(systemClock, 50)),
    leftovers: () => lines(file("pids")).filter((pid) => runs(Number(pid))).length,
  };
});

powerDeviceContract(t, "an operating system, by an agent in memory", async () => {
  const clock = new FakeClock();
  const machine = { boots: 1, mute: false, silent: false };
  const answer = <T>(value: T) => (machine.silent ? new Promise<T>(() => undefined) : Promise.resolve(value));
  const operated = {
    facts: () => Promise.reject(new Error("nobody needs them for power")),
    bootId: () => answer(`boot-${machine.boots}`),
    reboot() {
      const oldBootId = `boot-${machine.boots}`;
      machine.boots += 1;
      // Longer than the device waits.
      if (machine.mute) return new Promise<never>(() => undefined);
      return answer({ oldBootId });
    },
  };
  return {
    device: new AgentPowerDevice({ node: "p0", machine: () => operated, clock }),
    ...switchedByItself,
    executions: () => machine.boots - 1,
    loseReply: () => void (machine.mute = true),
    goSilent: () => void (machine.silent = true),
    answerAgain: () => void (machine.silent = false),
    second: () => clock.advance(1000),
  };
});

powerDeviceContract(t, "an operating system, by its own agent", async (t) => {
  const { root, reboot, executions } = await bootedRoot(t);
  const machine = new HostMachine({ root: new RootDirectory(root), rebootArgv: reboot });
  return { device: new AgentPowerDevice({ node: "p0", machine: () => machine, clock: systemClock }), ...switchedByItself, executions };
});

powerDeviceContract(t, "an operating system, by a shell on it", async (t) => {
  const { root, reboot, executions } = await bootedRoot(t);
  const shell = localShell(root, { env: { LABD_ROOT: root } });
  const machine = new SshMachine({ shell, clock: systemClock, rebootArgv: reboot });
  return { device: new AgentPowerDevice({ node: "p0", machine: () => machine, clock: systemClock }), ...switchedByItself, executions };
});

powerDeviceContract(t, "by hand", async (t) => {
  const directory = await scratchDirectory(t);
  const device = new ManualPowerDevice({ node: "p0", note: "outlet 7", directory, clock: new FakeClock() });
  await device.confirm("off");
  return { device, heed: (verb) => device.confirm(verb === "on" || verb === "reset" ? "on" : "off") };
});

const switchedByItself: { starts: "on"; lacks: readonly DeviceVerb[] } = { starts: "on", lacks: ["on", "off", "soft"] };

/** The root of a machine whose reboot changes its boot id, and nothing else. */
async function bootedRoot(t: Test) {
  const root = await scratchDirectory(t);
  const bootId = join(root, "proc/sys/kernel/random/boot_id");
  await mkdir(join(bootId, ".."), { recursive: true });
  writeFileSync(bootId, "boot-0\n");
  const reboot = ["/bin/sh", "-c", `echo x >> ${root}/boots; echo "boot-$(wc -l < ${root}/boots)" > ${bootId}`];
  return { root, reboot, executions: () => lines(join(root, "boots")).length };
}

function lines(path: string): string[] {
  return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
}
