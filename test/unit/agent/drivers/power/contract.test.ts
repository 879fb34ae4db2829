/** Every power driver does what the port says, and so does the fake that stands for them. */
import { existsSync, readFileSync } from "node:fs";
import { chmod, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import t from "tap";
import { BmcPool } from "../../../../../agent/drivers/bmc.js";
import { CommandPowerDevice } from "../../../../../agent/drivers/power/command.js";
import { openIpmiPower } from "../../../../../agent/drivers/power/ipmi.js";
import { chassisControl, getChassisStatus } from "../../../../../agent/ipmi/command/index.js";
import { sleep, systemClock } from "../../../../../proto/base/clock.js";
import { silentLogger } from "../../../../../proto/base/logger.js";
import { FakeClock } from "../../../../support/fake-clock.js";
import { FakePowerDevice } from "../../../../support/host/fake-power-device.js";
import { powerDeviceContract } from "../../../../support/host/power-device-contract.js";
import { runs } from "../../../../support/host/processes.js";
import { scratchDirectory } from "../../../../support/host/scratch.js";
import { BmcDouble } from "../../../../support/ipmi/bmc-double.js";
import { seededBytes } from "../../../../support/ipmi/bytes.js";

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
    goSilent: () => writeFile(file("silent"), ""),
    answerAgain: () => unlink(file("silent")),
    // The program is a process: its time is real, and its deadline may only pass when it is silent.
    second: () => (existsSync(file("silent")) ? clock.advance(1000) : sleep(systemClock, 50)),
    leftovers: () => lines(file("pids")).filter((pid) => runs(Number(pid))).length,
  };
});

function lines(path: string): string[] {
  return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
}
