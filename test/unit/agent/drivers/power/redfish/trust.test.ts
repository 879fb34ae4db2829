/** Who is told the password of a Redfish service: whoever holds the right certificate, and nobody else. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { connect } from "node:tls";
import { promisify } from "node:util";
import t from "tap";
import { keptCertificate, selfSigned } from "../../../../../../agent/sim/redfish/certificate.js";
import { serveRedfish } from "../../../../../../agent/sim/redfish/redfish-server.js";
import { systemClock } from "../../../../../../proto/base/clock.js";
import { FakeClock } from "../../../../../support/fake-clock.js";
import { powerDeviceContract } from "../../../../../support/host/power-device-contract.js";
import { scratchDirectory } from "../../../../../support/host/scratch.js";
import { benchRedfish, redfishDevice, redfishRig } from "../../../../../support/sim/bench-redfish.js";

powerDeviceContract(t, "redfish over TLS", (t) => redfishRig(t, { certificate: "self-signed" }));

t.test("an untrusted certificate is told nothing, and the message says which fingerprint to put where", async (t) => {
  const bench = await benchRedfish(t, { certificate: "self-signed" });
  const device = redfishDevice(t, bench, { target: { fingerprint: "" } });
  await t.rejects(device.read(), {
    code: "authentication",
    message: new RegExp(`DEPTH_ZERO_SELF_SIGNED_CERT.*${bench.target.fingerprint}.*power: redfish: fingerprint`),
  });
  t.same(bench.server.requests, [], "not a single request arrived");
});

t.test("another certificate than the fingerprint's is told nothing, also after it was the right one", async (t) => {
  const bench = await benchRedfish(t, { certificate: "self-signed" });
  const other = await selfSigned("127.0.0.1", systemClock);
  const device = redfishDevice(t, bench, { target: { fingerprint: other.fingerprint } });
  await t.rejects(device.read(), {
    code: "authentication",
    message: new RegExp(`${bench.target.fingerprint}, expected was ${other.fingerprint}`),
  });
  t.same(bench.server.requests, []);

  const good = redfishDevice(t, bench);
  await good.read();
  const port = Number(new URL(bench.server.url).port);
  await bench.server.close();
  const chassis = { on: true, startedMs: undefined, execute: () => undefined };
  const options = { name: "m0", user: bench.target.username, password: bench.target.password, uuid: "", chassis, clock: systemClock };
  const impostor = await serveRedfish({ address: "127.0.0.1", port }, { ...options, certificate: other });
  t.teardown(() => impostor.close());
  await t.rejects(good.read(), { code: "authentication", message: /another machine answers/ });
  t.same(impostor.requests, []);
});

t.test("a fingerprint is that certificate and nothing about it: neither its name nor its dates matter", async (t) => {
  const old = new FakeClock(Date.parse("1999-01-01T00:00:00Z"));
  const certificate = await selfSigned("bmc.example", old);
  const bench = await benchRedfish(t, { certificate });
  t.match(await redfishDevice(t, bench).read(), { state: "off" });
});

t.test("without a fingerprint the authorities of this machine decide, names included", async (t) => {
  const directory = await scratchDirectory(t);
  const reads = async (certificate: Awaited<ReturnType<typeof selfSigned>>) => {
    const bench = await benchRedfish(t, { certificate });
    const authority = join(directory, "authority.pem");
    await writeFile(authority, certificate.certificatePem);
    // Node reads NODE_EXTRA_CA_CERTS once, when it starts.
    const from = (path: string) => JSON.stringify(new URL(`../../../../../../${path}`, import.meta.url));
    const script = `
      import { openRedfishPower } from ${from("agent/drivers/power/redfish/device.js")};
      import { RedfishServices } from ${from("agent/drivers/power/redfish/service.js")};
      import { systemClock } from ${from("proto/base/clock.js")};
      import { silentLogger } from ${from("proto/base/logger.js")};
      const services = new RedfishServices({ clock: systemClock, log: silentLogger });
      const target = ${JSON.stringify({ ...bench.target, fingerprint: "" })};
      const device = openRedfishPower({ services, target, clock: systemClock });
      console.log(await device.read().then(({ state }) => state, (error) => error.message));
      await device.close();
    `;
    const env = { ...process.env, NODE_OPTIONS: "", NODE_EXTRA_CA_CERTS: authority };
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script], { env, timeout: 20_000 });
    return stdout.trim();
  };
  t.equal(await reads(await selfSigned("127.0.0.1", systemClock)), "off");
  t.match(await reads(await selfSigned("bmc.example", systemClock)), /ERR_TLS_CERT_ALTNAME_INVALID.*nothing was sent/);
});

t.test("a service that says nothing to the handshake is given up in time", async (t) => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const connected = once(server, "connection") as Promise<[Socket]>;
  const { port } = server.address() as AddressInfo;
  const clock = new FakeClock();
  const device = redfishDevice(t, await benchRedfish(t), { target: { url: `https://127.0.0.1:${port}` }, clock });
  const outcome = t.rejects(device.read(), { code: "unreachable", message: /no connection within 20 s/ });
  const [socket] = await connected;
  await clock.advance(20_000);
  await outcome;
  socket.destroy();
  server.close();
});

t.test("http goes to this machine itself and nowhere else; a URL that is none is refused at once", async (t) => {
  const bench = await benchRedfish(t);
  const urls = [
    "http://10.0.0.1",
    "http://127.0.0.1.example",
    "http://localhost.example",
    "ftp://127.0.0.1",
    "10.0.0.1",
    "https://u:p@10.0.0.1",
  ];
  for (const url of urls) {
    t.throws(() => redfishDevice(t, bench, { target: { url } }), { code: "invalid-argument" }, url);
  }
});

t.test("the certificate of a simulated node stays the same", async (t) => {
  const directory = await scratchDirectory(t);
  const first = await keptCertificate(directory, "127.0.0.1", systemClock);
  t.same(await keptCertificate(directory, "127.0.0.1", systemClock), first);
  const bench = await benchRedfish(t, { certificate: first });
  const socket = connect({ host: "127.0.0.1", port: Number(new URL(bench.server.url).port), rejectUnauthorized: false });
  const seen = await new Promise<string>((resolve) =>
    socket.once("secureConnect", () => resolve(socket.getPeerCertificate().fingerprint256)),
  );
  socket.destroy();
  t.equal(seen.replaceAll(":", "").toLowerCase(), first.fingerprint, "as openssl x509 -fingerprint tells it");
});
