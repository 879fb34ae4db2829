/** What is particular to pyghmi's BMC; what it shares with others is in client.test.ts. */
import { randomBytes } from "node:crypto";
import t, { type Test } from "tap";
import { discoverBmc, LoginWindow, openBmc, UdpTransport, type BmcDependencies, type BmcOptions } from "../../agent/ipmi/index.js";
import { systemClock } from "../../proto/base/clock.js";
import { silentLogger } from "../../proto/base/logger.js";
import { pyghmiMissing, startPyghmiBmc, type PyghmiBmc } from "../support/ipmi/pyghmi.js";

interface Bench {
  readonly peer: PyghmiBmc;
  readonly options: BmcOptions;
  readonly deps: BmcDependencies;
}

function bench(name: string, body: (t: Test, bench: Bench) => Promise<void>): void {
  t.test(name, { skip: pyghmiMissing, timeout: 60_000 }, async (t) => {
    const peer = await startPyghmiBmc();
    t.teardown(() => peer.stop());
    const transport = new UdpTransport();
    t.teardown(() => transport.close());
    const deps = { clock: systemClock, log: silentLogger, transport, random: randomBytes, logins: new LoginWindow() };
    await body(t, { peer, options: { address: "127.0.0.1", port: peer.port, user: "admin", password: "secret" }, deps });
  });
}

bench("a login from the port of a session that was never closed gets through at once", async (t, { options, deps }) => {
  // Another BMC's route keeps the socket, and with it the port, when the first session's route is gone.
  const listener = { received: () => undefined, sendFailed: () => undefined };
  const other = await deps.transport.open({ address: "127.0.0.1", port: 9 }, listener);
  // Dies without a word: what it sends at its end is lost.
  let silent = false;
  const dying: BmcDependencies = {
    ...deps,
    transport: {
      open: async (remote, listener) => {
        const route = await deps.transport.open(remote, listener);
        return { send: (datagram) => void (silent || route.send(datagram)), close: () => route.close() };
      },
      close: async () => undefined,
    },
  };
  const first = openBmc(options, dying);
  await first.deviceId();
  silent = true;
  await first.close();
  const second = openBmc(options, deps);
  await second.deviceId();
  // Capabilities, Open Session for 17 and for 3, RAKP 1, RAKP 3, privilege, device id.
  t.same(second.traffic(), { sent: 7, received: 7 });
  await second.close();
  other.close();
});

bench("its list says suite 3, and suite 3 is what works", async (t, { options, deps }) => {
  const { capabilities, advertised, suites, learned } = await discoverBmc(options, deps);
  t.match(capabilities, { v20: true, v15: false, kgSet: false });
  t.same(advertised, [3]);
  t.match(suites, [
    { id: 17, advertised: false, works: false, detail: /suite 17: 0x11/ },
    { id: 3, advertised: true, works: true },
    { id: 12, works: false },
    { id: 8, works: false },
  ]);
  t.same(learned, []);
});
