/** The contract of power devices over peers on real sockets: OpenIPMI's BMC simulator, our own, and an operating system behind sshd. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import t, { type Test } from "tap";
import { BmcPool } from "../../agent/drivers/bmc.js";
import { AgentPowerDevice } from "../../agent/drivers/power/agent-soft.js";
import { openIpmiPower } from "../../agent/drivers/power/ipmi.js";
import { UdpTransport } from "../../agent/ipmi/index.js";
import { SshHost } from "../../agent/ssh/connection/host.js";
import { SshMachine } from "../../agent/ssh/machine.js";
import { systemClock } from "../../proto/base/clock.js";
import { silentLogger } from "../../proto/base/logger.js";
import { powerDeviceContract } from "../support/host/power-device-contract.js";
import { scratchDirectory } from "../support/host/scratch.js";
import { ipmiSimMissing, startIpmiSim } from "../support/ipmi/ipmi-sim.js";
import { benchBmc, benchPassword, benchUser } from "../support/sim/bench-bmc.js";
import { noSshServer, openSshServer } from "../support/ssh/openssh-server.js";

t.test("OpenIPMI", { skip: ipmiSimMissing, timeout: 60_000 }, async (t) => {
  powerDeviceContract(t, "ipmi_sim", async (t) => {
    const directory = await scratchDirectory(t);
    const sim = await startIpmiSim(directory);
    t.teardown(() => sim.stop());
    return {
      device: bmcPower(t, { port: sim.port, user: "admin", password: "secret" }),
      executions: () => textOf(join(directory, "calls")).match(/^set (power|reset|shutdown) /gm)?.length ?? 0,
      // It is told "set shutdown 1", and the operating system goes down by itself.
      heed: (verb) => (verb === "soft" ? writeFileSync(join(directory, "on"), "0\n") : undefined),
    };
  });
});

powerDeviceContract(t, "simulated BMC", async (t) => {
  const { server, executed } = await benchBmc();
  t.teardown(() => server.close());
  return { device: bmcPower(t, { port: server.port, user: benchUser, password: benchPassword }), executions: () => executed.length };
});

t.test("OpenSSH", { skip: noSshServer ?? false, timeout: 60_000 }, async (t) => {
  const root = await scratchDirectory(t);
  const server = await openSshServer(t, { LABD_ROOT: root });
  await server.trust();
  const bootId = join(root, "proc/sys/kernel/random/boot_id");
  mkdirSync(dirname(bootId), { recursive: true });
  writeFileSync(bootId, "boot-0\n");
  const boots = () => textOf(join(root, "boots")).length;
  powerDeviceContract(t, "an operating system by ssh", async (t) => {
    const host = new SshHost({ target: server.target, files: server.files, clock: systemClock, log: silentLogger });
    t.teardown(() => host.close());
    const rebootArgv = ["/bin/sh", "-c", `printf x >> ${root}/boots; echo "boot-$(wc -c < ${root}/boots)" > ${bootId}`];
    const machine = new SshMachine({ shell: host, clock: systemClock, rebootArgv });
    const before = boots();
    return {
      device: new AgentPowerDevice({ node: "p0", machine: () => machine, clock: systemClock }),
      starts: "on",
      lacks: ["on", "off", "soft"],
      executions: () => boots() - before,
    };
  });
  t.test("a machine that went down is not reached, one that is back tells another start", async (t) => {
    const host = new SshHost({ target: server.target, files: server.files, clock: systemClock, log: silentLogger });
    t.teardown(() => host.close());
    const machine = new SshMachine({ shell: host, clock: systemClock, rebootArgv: ["false"] });
    const device = new AgentPowerDevice({ node: "p0", machine: () => machine, clock: systemClock });
    const before = await device.read();
    await t.rejects(device.send("reset"), { code: "failed", message: /reboot: false refused/ });
    t.same(await device.read(), before, "a reboot refused is none");
    await server.stop();
    await t.rejects(device.read(), { code: "unreachable" });
    writeFileSync(bootId, "boot-after\n");
    await server.start();
    t.match(await device.read(), { state: "on", start: "boot-after" });
  });
});

function bmcPower(t: Test, options: { port: number; user: string; password: string }) {
  const transport = new UdpTransport();
  const pool = new BmcPool({ clock: systemClock, log: silentLogger, transport, random: randomBytes });
  t.teardown(async () => {
    await pool.close();
    await transport.close();
  });
  return openIpmiPower(pool, { address: "127.0.0.1", ...options });
}

function textOf(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}
