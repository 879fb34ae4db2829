/** The two ends of IPMI that are ours, written apart: the client and its drivers against the simulated BMC, over UDP. */
import { randomBytes } from "node:crypto";
import t, { type Test } from "tap";
import { BmcPool } from "../../agent/drivers/bmc.js";
import { openSolConsole } from "../../agent/drivers/console/sol.js";
import { openIpmiPower } from "../../agent/drivers/power/ipmi.js";
import { cipherSuites } from "../../agent/ipmi/crypto/index.js";
import { LoginWindow, openBmc, UdpTransport, type Bmc, type BmcOptions } from "../../agent/ipmi/index.js";
import type { ConsoleLine } from "../../agent/ports/console.js";
import { systemClock } from "../../proto/base/clock.js";
import { silentLogger } from "../../proto/base/logger.js";
import { lineEvents } from "../support/capture/line-events.js";
import { benchBmc, benchPassword, benchUser, type BenchBmc, type BenchBmcOptions } from "../support/sim/bench-bmc.js";

interface Bench {
  readonly bmc: BenchBmc;
  readonly options: BmcOptions;
  readonly pool: BmcPool;
  /** A client of its own, as another site agent would be. */
  readonly client: (options?: Partial<BmcOptions>) => Bmc;
}

function bench(name: string, body: (t: Test, bench: Bench) => Promise<void>, sim: BenchBmcOptions = {}): void {
  t.test(name, { timeout: 20_000 }, async (t) => {
    const bmc = await benchBmc(sim);
    const deps = { clock: systemClock, log: silentLogger, transport: new UdpTransport(), random: randomBytes, logins: new LoginWindow() };
    const pool = new BmcPool(deps);
    const options = { address: bmc.server.address, port: bmc.server.port, user: benchUser, password: benchPassword };
    const clients: Bmc[] = [];
    t.teardown(async () => {
      await Promise.all(clients.map((client) => client.close()));
      await pool.close();
      await deps.transport.close();
      await bmc.server.close();
    });
    const client = (more: Partial<BmcOptions> = {}) => {
      const opened = openBmc({ ...options, ...more }, deps);
      clients.push(opened);
      return opened;
    };
    await body(t, { bmc, options, pool, client });
  });
}

const everySuite = Object.values(cipherSuites);

for (const { id } of everySuite) {
  bench(
    `suite ${id}: power and console`,
    async (t, { bmc, options, pool }) => {
      const power = openIpmiPower(pool, { ...options, cipherSuites: [id] });
      const console = openSolConsole(pool, { bmc: { ...options, cipherSuites: [id] }, steal: false });
      await power.send("on");
      t.equal((await power.read()).state, "on");
      const line = await console.open();
      bmc.serial.transmit(Buffer.from("login: "));
      t.equal(await readText(line, 7), "login: ");
      await console.close();
      await power.close();
      t.same(bmc.executed, ["on"]);
    },
    { suites: everySuite },
  );
}

bench("what is typed reaches the machine whole", async (t, { bmc, options, pool }) => {
  const console = openSolConsole(pool, { bmc: options, steal: false });
  const line = await console.open();
  let typed = "";
  const text = Array.from({ length: 500 }, (_, i) => `command ${i}\n`).join("");
  const arrived = new Promise<void>((resolve) => {
    bmc.serial.onReceive((data) => {
      typed += Buffer.from(data).toString("latin1");
      if (typed.length >= text.length) resolve();
    });
  });
  await line.write(Buffer.from(text));
  await arrived;
  t.ok(typed === text);
  await line.sendBreak(250);
});

bench("the console's victim learns of the theft, and the thief keeps the console", async (t, { bmc, client }) => {
  const victim = await client().openSol();
  const thief = client();
  await t.rejects(thief.openSol(), { code: "conflict", message: /SOL is active in session 0x/ });
  const stolen = await thief.openSol({ steal: true });
  const seen: unknown[] = [];
  await t.rejects(
    (async () => {
      for await (const event of victim.events) seen.push(event);
    })(),
    { code: "unreachable", message: /the BMC deactivated SOL/ },
  );
  t.match(seen, [{ kind: "loss", cause: "line-down" }]);
  await victim.close();
  bmc.serial.transmit(Buffer.from("still here"));
  for await (const event of stolen.events) {
    t.match(event, { kind: "bytes", data: Buffer.from("still here") });
    break;
  }
});

bench(
  "a BMC without a free session says so, and sessions are given back",
  async (t, { client }) => {
    const clients = [client(), client()];
    await Promise.all(clients.map((each) => each.deviceId()));
    await t.rejects(client().deviceId(), { code: "exhausted", message: /no free session|insufficient resources/ });
    await clients[0]?.close();
    t.match(await client().deviceId(), { ipmiVersion: 2 });
  },
  { sessionSlots: 2 },
);

bench(
  "a K_g must be the same at both ends",
  async (t, { client }) => {
    await t.rejects(client().deviceId(), { code: "authentication", message: /different password or K_g/ });
    await t.rejects(client({ kg: "0x0101" }).deviceId(), { code: "authentication" });
    await t.rejects(client({ kg: "0x0102", password: "wrong" }).deviceId(), { code: "authentication" });
    t.match(await client({ kg: "0x0102" }).deviceId(), { ipmiVersion: 2 });
  },
  // Every login with another K_g leaves a session behind that only time ends.
  { kg: "0x0102", sessionSlots: 5 },
);

bench(
  "another K_g is told as what it is also where it leaves no room for a second look",
  async (t, { client }) => {
    await t.rejects(client().deviceId(), { code: "authentication", message: /different password or K_g/ });
  },
  { kg: "0x0102", sessionSlots: 1 },
);

bench("boot device and SOL parameters are read back as written", async (t, { client }) => {
  const bmc = client({ privilege: "administrator" });
  await bmc.setBootDevice("pxe", { persistent: false, efi: true });
  t.match(await bmc.bootFlags(), { flags: { valid: true, persistent: false, efi: true }, device: { code: 1 } });
  await bmc.setSolParameter("retry", { limits: { count: 5 }, interval: 20 });
  t.same(await bmc.solParameter("retry"), { limits: { count: 5 }, interval: 20 });
  t.equal((await bmc.solParameter("volatileBitRate")).rate.code, 10);
});

async function readText(line: ConsoleLine, length: number): Promise<string> {
  let text = "";
  for await (const event of lineEvents(line)) {
    text += event.kind === "bytes" ? Buffer.from(event.data).toString("latin1") : `[loss: ${event.detail}]`;
    if (text.length >= length) break;
  }
  return text;
}
