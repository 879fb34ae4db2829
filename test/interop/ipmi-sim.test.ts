/** Our client against a BMC that is not ours: OpenIPMI's ipmi_sim, a process on a UDP port. */
import { randomBytes } from "node:crypto";
import t, { type Test } from "tap";
import { BmcPool } from "../../agent/drivers/bmc.js";
import { openSolConsole } from "../../agent/drivers/console/sol.js";
import { openIpmiPower } from "../../agent/drivers/power/ipmi.js";
import { LoginWindow, openBmc, UdpTransport, type BmcOptions } from "../../agent/ipmi/index.js";
import type { ConsoleLine } from "../../agent/ports/console.js";
import { systemClock } from "../../proto/base/clock.js";
import { ConflictError } from "../../proto/base/errors.js";
import { silentLogger } from "../../proto/base/logger.js";
import { lineEvents } from "../support/capture/line-events.js";
import { ipmiSimMissing, startIpmiSim, type IpmiSim } from "../support/ipmi/ipmi-sim.js";

interface Bench {
  readonly sim: IpmiSim;
  readonly pool: BmcPool;
  readonly options: BmcOptions;
}

function bench(name: string, body: (t: Test, bench: Bench) => Promise<void>): void {
  t.test(name, { skip: ipmiSimMissing, timeout: 30_000 }, async (t) => {
    const sim = await startIpmiSim(t.testdir());
    t.teardown(() => sim.stop());
    const deps = { clock: systemClock, log: silentLogger, transport: new UdpTransport(), random: randomBytes, logins: new LoginWindow() };
    t.teardown(() => deps.transport.close());
    const pool = new BmcPool(deps);
    t.teardown(() => pool.close());
    await body(t, { sim, pool, options: { address: "127.0.0.1", port: sim.port, user: "admin", password: "secret" } });
  });
}

bench("power goes on, off and through a cycle, each executed once", async (t, { sim, pool, options }) => {
  const power = openIpmiPower(pool, options);
  t.equal((await power.read()).state, "off");
  await power.send("on");
  t.equal((await power.read()).state, "on");
  await power.send("off");
  t.equal((await power.read()).state, "off");
  await t.rejects(power.send("reset"), { code: "unsupported" });
  t.same(sim.powerCalls(), ["set power 1", "set power 0"]);
  await power.close();
});

bench("the BMC's own power cycle is off, then on", async (t, { sim, pool, options }) => {
  const lease = pool.acquire(options);
  await lease.bmc.chassisControl("on");
  await lease.bmc.chassisControl("cycle");
  // The simulator switches on again a second after switching off.
  while (sim.powerCalls().length < 3) await lease.bmc.deviceId();
  t.same(sim.powerCalls(), ["set power 1", "set power 0", "set power 1"]);
  await lease.release();
});

bench("a wrong password is told from silence, at once", async (t, { pool, options }) => {
  const began = Date.now();
  for (const wrong of [
    { ...options, password: "Secret" },
    { ...options, cipherSuites: [8], kg: "0x00ff" },
  ]) {
    const power = openIpmiPower(pool, wrong);
    await t.rejects(power.read(), { code: "authentication" });
    await t.rejects(power.read(), /different password or K_g/);
    await power.close();
  }
  const stranger = openIpmiPower(pool, { ...options, user: "nobody" });
  await t.rejects(stranger.read(), { code: "authentication", message: /unauthorized name.*check the user name/ });
  await stranger.close();
  t.ok(Date.now() - began < 2000, "no waiting for a timeout");
});

bench("the device says who it is", async (t, { pool, options }) => {
  const { bmc, release } = pool.acquire({ ...options, privilege: "administrator" });
  t.match(await bmc.deviceId(), { ipmiVersion: 2, manufacturerId: 0x1291, productId: 0xf02 });
  await release();
});

bench(
  "a megabyte of numbered lines arrives whole and in order while power is read on the same session",
  async (t, { sim, pool, options }) => {
    const console = openSolConsole(pool, { bmc: options, steal: false });
    const power = openIpmiPower(pool, options);
    const line = await console.open();
    const text = Array.from({ length: 35_000 }, (_, i) => `${String(i).padStart(8, "0")} the quick brown fox\r\n`).join("");
    t.ok(text.length >= 1_000_000);
    sim.serial.write(text);
    const reading = readText(line, text.length);
    for (let i = 0; i < 5; i += 1) t.equal((await power.read()).state, "off");
    t.ok((await reading) === text, "no loss, duplicate or reorder");
    await power.close();
    await console.close();
  },
);

bench(
  "lines that come while our process stalls arrive once, though the BMC repeats and adds to them",
  async (t, { sim, pool, options }) => {
    const console = openSolConsole(pool, { bmc: options, steal: false });
    const line = await console.open();
    const text = Array.from({ length: 300 }, (_, i) => `${String(i).padStart(4, "0")} stalled\n`).join("");
    // The simulator sends the first 128 bytes at once, and a second later the same packet with 255: both wait in our socket.
    sim.serial.write(text);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500);
    t.equal(await readText(line, text.length), text);
    await console.close();
  },
);

bench("what is typed arrives whole though the BMC takes 32 bytes at a time", async (t, { sim, pool, options }) => {
  const console = openSolConsole(pool, { bmc: options, steal: false });
  const line = await console.open();
  const text = Array.from({ length: 1000 }, (_, i) => `command ${i}\n`).join("");
  let typed = "";
  const arrived = new Promise<void>((resolve) => {
    sim.serial.on("data", (data) => {
      typed += data.toString("latin1");
      if (typed.length >= text.length) resolve();
    });
  });
  await line.write(Buffer.from(text));
  await arrived;
  t.ok(typed === text);
  await console.close();
});

bench("SOL held by another session is a conflict that names it, unless it is stolen", async (t, { sim, pool, options }) => {
  const deps = { clock: systemClock, log: silentLogger, transport: new UdpTransport(), random: randomBytes, logins: new LoginWindow() };
  const other = openBmc(options, deps);
  t.teardown(async () => {
    await other.close();
    await deps.transport.close();
  });
  await other.openSol();
  const polite = openSolConsole(pool, { bmc: options, steal: false });
  await t.rejects(polite.open(), ConflictError);
  await t.rejects(polite.open(), /SOL is active in session 0x[0-9a-f]+; close it there or steal it/);
  const thief = openSolConsole(pool, { bmc: options, steal: true });
  const line = await thief.open();
  sim.serial.write("mine now");
  t.equal(await readText(line, 8), "mine now");
  await thief.close();
  await polite.close();
});

bench("a console can be closed and opened again", async (t, { sim, pool, options }) => {
  const console = openSolConsole(pool, { bmc: options, steal: false });
  for (const text of ["first", "second", "third"]) {
    const line = await console.open();
    sim.serial.write(text);
    t.equal(await readText(line, text.length), text);
    await line.close();
  }
  await console.close();
});

/** So many characters from a line; a loss is part of the text and so breaks the comparison. */
async function readText(line: ConsoleLine, length: number): Promise<string> {
  const parts: string[] = [];
  let seen = 0;
  for await (const event of lineEvents(line)) {
    const part = event.kind === "bytes" ? Buffer.from(event.data).toString("latin1") : `[loss: ${event.detail}]`;
    parts.push(part);
    seen += part.length;
    if (seen >= length) break;
  }
  return parts.join("");
}
