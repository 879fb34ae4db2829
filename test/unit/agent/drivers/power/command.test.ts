import { existsSync } from "node:fs";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import t, { type Test } from "tap";
import { CommandPowerDevice } from "../../../../../agent/drivers/power/command.js";
import { systemClock } from "../../../../../proto/base/clock.js";
import { powerDeviceContract } from "../../../../support/host/power-device-contract.js";
import { runs, until } from "../../../../support/host/processes.js";
import { scratchDirectory } from "../../../../support/host/scratch.js";

/** A program with this shell script; $D is its directory, the verb its last argument. */
async function deviceBy(t: Test, script: string): Promise<{ device: CommandPowerDevice; directory: string }> {
  const directory = await scratchDirectory(t);
  const program = join(directory, "plug");
  await writeFile(program, `#!/bin/sh\nD=${directory}\n${script}\n`);
  await chmod(program, 0o755);
  return { directory, device: new CommandPowerDevice({ argv: [program, "7"], clock: systemClock }) };
}

const plug = `[ "$1" = 7 ] || exit 1
case $2 in
  status) [ -e $D/on ] && echo "ON  (12 W)" || echo off;;
  on) touch $D/on;; off) rm -f $D/on;; reset) [ -e $D/on ];; *) exit 64;;
esac`;

t.test("a program that keeps to the contract is a power device", async (t) => {
  await powerDeviceContract(t, (await deviceBy(t, plug)).device);
});

t.test("exit codes say what kind of failure it is, standard error why", async (t) => {
  const codes = { 64: "unsupported", 69: "unreachable", 75: "unreachable", 77: "authentication", 1: "failed", 3: "failed" };
  for (const [exitCode, code] of Object.entries(codes)) {
    const { device } = await deviceBy(t, `echo noise >&2; echo 'relay stuck' >&2; exit ${exitCode}`);
    await t.rejects(device.send("on"), { code, message: new RegExp(`plug on: exit code ${exitCode}: relay stuck$`) });
  }
  const { device } = await deviceBy(t, "kill -9 $$");
  await t.rejects(device.read(), { code: "unreachable" });
  await t.rejects(device.send("soft"), { code: "unsupported" });
});

t.test("a status that is neither on nor off is a failure that shows it", async (t) => {
  const { device } = await deviceBy(t, "echo maybe");
  await t.rejects(device.read(), { code: "failed", message: /printed "maybe\\n"/ });
});

t.test("a program that is not there is named", async (t) => {
  const device = new CommandPowerDevice({ argv: ["/no/such/plug"], clock: systemClock });
  await t.rejects(device.read(), { code: "failed", message: /power command \/no\/such\/plug: did not start: .*ENOENT/ });
});

t.test("a call given up is ended with all it started", async (t) => {
  const { device, directory } = await deviceBy(t, "sleep 60 & echo $! > $D/pid.new; mv $D/pid.new $D/pid; wait");
  const caller = new AbortController();
  const reading = device.read({ signal: caller.signal });
  await until(() => existsSync(join(directory, "pid")), "the grandchild");
  caller.abort();
  await t.rejects(reading);
  const pid = Number(await readFile(join(directory, "pid"), "utf8"));
  await until(() => !runs(pid), "the grandchild to end");
});
