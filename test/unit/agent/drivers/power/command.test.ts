import { existsSync } from "node:fs";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import t, { type Test } from "tap";
import { CommandPowerDevice } from "../../../../../agent/drivers/power/command.js";
import { type Clock, systemClock } from "../../../../../proto/base/clock.js";
import { FakeClock } from "../../../../support/fake-clock.js";
import { runs, until } from "../../../../support/host/processes.js";
import { scratchDirectory } from "../../../../support/host/scratch.js";

/** A program with this shell script; $D is its directory, the verb its last argument. */
async function deviceBy(t: Test, script: string, clock: Clock = systemClock): Promise<{ device: CommandPowerDevice; directory: string }> {
  const directory = await scratchDirectory(t);
  const program = join(directory, "plug");
  await writeFile(program, `#!/bin/sh\nD=${directory}\n${script}\n`);
  await chmod(program, 0o755);
  return { directory, device: new CommandPowerDevice({ node: "p0", argv: [program, "7"], clock }) };
}

t.test("exit codes say what kind of failure it is, standard error why", async (t) => {
  const codes = { 64: "unsupported", 69: "unreachable", 75: "unreachable", 77: "authentication", 1: "failed", 3: "failed" };
  for (const [exitCode, code] of Object.entries(codes)) {
    const { device } = await deviceBy(t, `echo noise >&2; echo 'relay stuck' >&2; exit ${exitCode}`);
    await t.rejects(device.send("on"), { code, message: new RegExp(`plug on: exit code ${exitCode}: relay stuck`) });
  }
  const { device } = await deviceBy(t, "kill -9 $$");
  await t.rejects(device.read(), { code: "unreachable" });
});

t.test("a verb the program does not know is refused with another way", async (t) => {
  const { device } = await deviceBy(t, "[ $2 = status ] && echo on && exit 0; exit 64");
  await t.rejects(device.send("soft"), { code: "unsupported", message: /plug soft: exit code 64: and said nothing; use off$/ });
  await t.rejects(device.send("reset"), { code: "unsupported", message: /; use cycle$/ });
  await t.rejects(device.send("on"), { code: "unsupported", message: /; a power command must know status, on and off$/ });
});

t.test("a start is told by a word of the first line, and by no other", async (t) => {
  const status = async (text: string) => (await deviceBy(t, `printf '${text}'`)).device.read();
  t.match(await status("on start=17:03:11 12W\\n"), { state: "on", start: "17:03:11" });
  for (const text of ["on 12W\\n", "ON restart=3\\n", "on start=\\n", "on\\nstart=4\\n"])
    t.match(await status(text), { state: "on", start: undefined });
  t.match(await status("off (start=2)\\n"), { state: "off", start: undefined });
});

t.test("a program knows the node, and nothing that is meant for the agent", async (t) => {
  process.env["LABD_JOIN_TOKEN"] = "not for programs";
  t.teardown(() => delete process.env["LABD_JOIN_TOKEN"]);
  const { device } = await deviceBy(t, 'echo "on start=$LAB_NODE/${LABD_JOIN_TOKEN-none}/${PATH:+path}"');
  t.match(await device.read(), { start: "p0/none/path" });
});

t.test("of a program that talks and talks the first word counts, and the last complaint", async (t) => {
  const noise = "i=0; while [ $i -lt 2000 ]; do echo 'some noise'; i=$((i+1)); done";
  const { device } = await deviceBy(t, `echo off; ${noise}; (${noise}; echo 'relay stuck') >&2; [ $2 = status ]`);
  t.match(await device.read(), { state: "off" });
  await t.rejects(device.send("on"), { code: "failed", message: /: relay stuck$/ });
});

t.test("a program that does not end is ended at its deadline", async (t) => {
  const clock = new FakeClock();
  const { device, directory } = await deviceBy(
    t,
    "trap '' TERM HUP INT; echo $$ > $D/pid.new; mv $D/pid.new $D/pid; while :; do sleep 60; done",
    clock,
  );
  const failure = device.send("on").catch((error: unknown) => error);
  await until(() => existsSync(join(directory, "pid")), "the program to start");
  await clock.advance(30_000);
  t.match(await failure, {
    code: "unreachable",
    message: /plug on: waited 30\.0 s for its end; nothing was seen; it was ended with all it had started; try it by hand$/,
  });
  const pid = Number(await readFile(join(directory, "pid"), "utf8"));
  await until(() => !runs(pid), "the program to end");
  t.equal(clock.pendingTimers, 0);
});

t.test("a status that is neither on nor off is a failure that shows it", async (t) => {
  const { device } = await deviceBy(t, "echo maybe");
  await t.rejects(device.read(), { code: "failed", message: /printed "maybe\\n"/ });
});

t.test("a program that is not there is named", async (t) => {
  const device = new CommandPowerDevice({ node: "p0", argv: ["/no/such/plug"], clock: systemClock });
  await t.rejects(device.read(), {
    code: "failed",
    message: /power command \/no\/such\/plug status: did not start: .*ENOENT; check the inventory/,
  });
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
