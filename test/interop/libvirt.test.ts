/** Power of virtual machines, against a real libvirtd and virsh. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { LibvirtPowerDevice } from "../../agent/drivers/power/libvirt.js";
import { sleep, systemClock } from "../../proto/base/clock.js";
import { FakeClock } from "../support/fake-clock.js";
import { powerDeviceContract } from "../support/host/power-device-contract.js";
import { scratchDirectory } from "../support/host/scratch.js";
import { libvirtMissing, startLibvirtd } from "../support/libvirt/libvirtd.js";

t.test("libvirt", { skip: libvirtMissing, timeout: 60_000 }, async (t) => {
  powerDeviceContract(t, "libvirt", async (t) => {
    const daemon = await startLibvirtd(t);
    daemon.virsh("destroy", "test");
    const before = daemon.executions();
    const clock = new FakeClock();
    let frozen = false;
    return {
      device: new LibvirtPowerDevice({ uri: daemon.uri, domain: "test", clock }),
      executions: () => daemon.executions() - before,
      goSilent: () => {
        frozen = true;
        daemon.freeze();
      },
      answerAgain: () => {
        frozen = false;
        daemon.thaw();
      },
      // virsh is a process: its time is real, and its deadline may only pass when nobody answers it.
      second: () => (frozen ? clock.advance(1000) : sleep(systemClock, 50)),
      leftovers: daemon.callers,
    };
  });

  t.test("what libvirt itself tells of the verbs", async (t) => {
    const daemon = await startLibvirtd(t);
    const device = new LibvirtPowerDevice({ uri: daemon.uri, domain: "test", clock: systemClock });
    t.equal(device.label, `libvirt domain test at ${daemon.uri}`);
    await device.send("off");
    t.same(await device.read(), { state: "off", fault: false, lastEvent: "shut off (destroyed)" });
    await device.send("off");
    await device.send("soft");
    await device.send("on");
    await device.send("on");
    t.same(await device.read(), { state: "on", fault: false, lastEvent: "running (booted)" });
    await device.send("soft");
    t.same(await device.read(), { state: "off", fault: false, lastEvent: "shut off (shutdown)" });
    t.same(daemon.events(), ["Stopped Destroyed", "Started Booted", "Stopped Shutdown"]);
  });

  t.test("a machine that stands still has power; one that crashed and is kept has a fault, and is switched off first", async (t) => {
    const directory = await scratchDirectory(t);
    const runStates = { idle: 2, paused: 3, "in shutdown": 4, "shut off": 5, crashed: 6, pmsuspended: 7 };
    const domain = ([name, state]: [string, number]) =>
      `<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'><name>${name}</name>` +
      `<memory>8192</memory><os><type>hvm</type></os><test:runstate>${state}</test:runstate></domain>`;
    writeFileSync(join(directory, "node.xml"), `<node>${Object.entries(runStates).map(domain).join("")}</node>`);
    for (const name of Object.keys(runStates)) {
      const device = new LibvirtPowerDevice({ uri: `test://${directory}/node.xml`, domain: name, clock: systemClock });
      const off = name === "shut off";
      t.same(await device.read(), { state: off ? "off" : "on", fault: name === "crashed", lastEvent: `${name} (unknown)` });
      await device.send(off ? "on" : "off");
    }
  });

  t.test("what goes wrong says what it is and what to do", async (t) => {
    const daemon = await startLibvirtd(t);
    const device = (uri: string, domain = "test") => new LibvirtPowerDevice({ uri, domain, clock: systemClock });
    for (const name of ["nosuch", "-x", "--help"]) {
      await t.rejects(device(daemon.uri, name).read(), {
        code: "not-found",
        message: `libvirt domain ${name} at ${daemon.uri} domstate: failed to get domain '${name}'; its domains: virsh -c ${daemon.uri} list --all`,
      });
    }
    await t.rejects(device(daemon.uri, "nosuch").send("reset"), { code: "not-found" });
    const silent = `test+unix:///default?socket=${daemon.directory}/no-such`;
    await t.rejects(device(silent).read(), {
      code: "unreachable",
      message:
        /failed to connect to the hypervisor: Failed to connect socket to '.*no-such': No such file or directory; check with: virsh -c /,
    });
    await t.rejects(device("no such uri").send("on"), { code: /unreachable|failed/, message: /; \w/ });
    const reading = device(daemon.uri).read();
    await reading;
    await daemon.stop();
    await t.rejects(device(daemon.uri).send("on"), { code: "unreachable" });
  });

  t.test("a libvirtd that does not let us in is no silence", async (t) => {
    const { uri } = await startLibvirtd(t, { auth: "sasl" });
    await t.rejects(new LibvirtPowerDevice({ uri, domain: "test", clock: systemClock }).read(), {
      code: "authentication",
      message: /failed to connect to the hypervisor: authentication failed: .*; the agent's user must be let in: group libvirt/,
    });
  });
});
