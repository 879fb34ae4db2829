import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { connect } from "node:net";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdir, rename, rmdir, stat } from "node:fs/promises";
import { once } from "node:events";
import t from "tap";
import type { Test } from "tap";
import { createEnrollmentService } from "../../../../controller/api/enrollment-service.js";
import { authorize } from "../../../../controller/api/authorization.js";
import { Enrollment } from "../../../../controller/identity/enrollment.js";
import { JoinTokens } from "../../../../controller/identity/join-tokens.js";
import { Authority } from "../../../../controller/identity/authority.js";
import { systemClock } from "../../../../proto/base/clock.js";
import { EnrollmentServiceService } from "../../../../proto/gen/lab/v1/enrollment.js";
import { dialChannel } from "../../../../proto/rpc/channel.js";
import { clientOf } from "../../../../proto/rpc/client.js";
import { generateKeyPair, loadIdentity, provePossession, renewalDue, saveIdentity } from "../../../../proto/rpc/identity.js";
import { joinLab, renewIdentity } from "../../../../proto/rpc/join.js";
import { describeCertificate } from "../../../../proto/rpc/peer.js";
import { addService } from "../../../../proto/rpc/server.js";
import { parseToken } from "../../../../proto/rpc/token.js";
import { issueIdentity, openLabPort } from "../../../support/rpc/lab-port.js";

async function openLab(t: Test) {
  const directory = t.testdir();
  const authority = await Authority.open(directory, { clock: systemClock, lab: "test" });
  const tokens = await JoinTokens.open(`${directory}/tokens.json`, { clock: systemClock });
  const enrollment = new Enrollment(authority, tokens);
  const port = await openLabPort(directory, {
    services: (server) => addService(server, EnrollmentServiceService, createEnrollmentService(enrollment), { authorize }),
  });
  t.teardown(() => port.close());
  const token = async () => (await enrollment.createToken({ name: "p0", role: "agent" })).token;
  return { ...port, enrollment, token, directory };
}

t.test("a token becomes an identity that the lab knows, kept in files only the owner reads", async (t) => {
  const lab = await openLab(t);
  const identity = await joinLab(lab.address, await lab.token(), { clock: systemClock });
  t.equal(identity.name, "p0");
  t.same(describeCertificate(identity.certificatePem).peer, { name: "p0", role: "agent" });
  t.equal(identity.caPem.trim(), lab.authority.caPem.trim());
  const home = `${lab.directory}/agent`;
  await saveIdentity(home, identity);
  const { keyPem, certificatePem, caPem } = identity;
  t.same(await loadIdentity(home), { keyPem, certificatePem, caPem });
  for (const name of ["key.pem", "cert.pem", "ca.pem"]) t.equal((await stat(`${home}/${name}`)).mode & 0o777, 0o600);
  t.equal((await stat(home)).mode & 0o777, 0o700);
});

t.test("a token admits once", async (t) => {
  const lab = await openLab(t);
  const token = await lab.token();
  await joinLab(lab.address, token, { clock: systemClock });
  await t.rejects(joinLab(lab.address, token, { clock: systemClock }), { name: "AuthenticationError", message: /spent/ });
});

t.test("of two joiners with one token one is admitted", async (t) => {
  const lab = await openLab(t);
  const token = await lab.token();
  const results = await Promise.allSettled([1, 2].map(() => joinLab(lab.address, token, { clock: systemClock })));
  t.same(results.map((each) => each.status).sort(), ["fulfilled", "rejected"]);
});

t.test("the secret is never sent to a controller whose CA is not the pinned one", async (t) => {
  const lab = await openLab(t);
  const { id, secret } = parseToken(await lab.token());
  let connections = 0;
  // Counts the connections to the port: the first one compares, and there must be no second one.
  const tap = createServer((socket: Socket) => {
    connections += 1;
    const [host, port] = lab.address.split(":") as [string, string];
    const onward = connect(Number(port), host);
    socket.pipe(onward).pipe(socket);
    socket.on("error", () => onward.destroy());
    onward.on("error", () => socket.destroy());
  });
  tap.listen(0, "127.0.0.1");
  await once(tap, "listening");
  t.teardown(() => tap.close());
  const address = `127.0.0.1:${(tap.address() as AddressInfo).port}`;
  const wrong = `${id}.${secret}.${"0".repeat(64)}`;
  await t.rejects(joinLab(address, wrong, { clock: systemClock }), { name: "AuthenticationError", message: /Nothing was sent/ });
  t.equal(connections, 1);
  const right = `${id}.${secret}.${lab.authority.caSha256}`;
  t.equal((await joinLab(address, right, { clock: systemClock })).name, "p0", "the token is still good");
});

t.test("without a certificate only Join is open, with an agent's certificate only Renew besides", async (t) => {
  const lab = await openLab(t);
  const { caPem } = lab.authority;
  const makeToken = { kind: "agent", name: "x", ttlMs: 0n };
  const nobody = dialChannel({ address: lab.address, caPem, clock: systemClock });
  const agent = dialChannel({
    address: lab.address,
    caPem,
    identity: await issueIdentity(lab.authority, { name: "p0", role: "agent" }),
    clock: systemClock,
  });
  t.teardown(() => [nobody, agent].forEach((each) => each.close()));
  await t.rejects(clientOf(EnrollmentServiceService, nobody).createToken(makeToken), { name: "AuthenticationError" });
  await t.rejects(clientOf(EnrollmentServiceService, agent).createToken(makeToken), { name: "PermissionError" });
  const nothing = { publicKey: Buffer.alloc(0), proof: Buffer.alloc(0) };
  await t.rejects(clientOf(EnrollmentServiceService, nobody).renew(nothing), { name: "AuthenticationError" });
});

t.test("a proof by another key is refused and does not cost the token", async (t) => {
  const lab = await openLab(t);
  const token = await lab.token();
  const { id, secret } = parseToken(token);
  const channel = dialChannel({ address: lab.address, caPem: lab.authority.caPem, clock: systemClock });
  t.teardown(() => channel.close());
  const [mine, other] = [generateKeyPair(), generateKeyPair()];
  const request = { token: `${id}.${secret}`, publicKey: mine.publicKey, proof: provePossession(other.keyPem, `${id}.${secret}`) };
  await t.rejects(clientOf(EnrollmentServiceService, channel).join(request), { name: "AuthenticationError", message: /proof/ });
  t.equal((await joinLab(lab.address, token, { clock: systemClock })).name, "p0");
});

t.test("a certificate is renewed with the one before it, same name and role, another key", async (t) => {
  const lab = await openLab(t);
  const old = await joinLab(lab.address, await lab.token(), { clock: systemClock });
  const renewed = await renewIdentity(lab.address, old, { clock: systemClock });
  t.same(describeCertificate(renewed.certificatePem).peer, { name: "p0", role: "agent" });
  t.not(renewed.keyPem, old.keyPem);
});

t.test("a renewal that was cut off between its files leaves the old identity or the new one", async (t) => {
  const directory = t.testdir();
  const authority = await Authority.open(directory, { clock: systemClock, lab: "test" });
  const [old, renewed] = [
    await issueIdentity(authority, { name: "p0", role: "agent" }),
    await issueIdentity(authority, { name: "p0", role: "agent" }),
  ];
  const home = `${directory}/agent`;
  await saveIdentity(home, old);
  // What cannot be replaced stops the save there: a directory in the place of the file.
  for (const stop of ["cert.pem", "key.pem"]) {
    await rename(`${home}/${stop}`, `${home}/aside`);
    await mkdir(`${home}/${stop}`);
    await t.rejects(saveIdentity(home, renewed), { code: "EISDIR" });
    await rmdir(`${home}/${stop}`);
    await rename(`${home}/aside`, `${home}/${stop}`);
    const { keyPem, certificatePem } = await loadIdentity(home);
    t.ok(new X509Certificate(certificatePem).checkPrivateKey(createPrivateKey(keyPem)), `stopped at ${stop}`);
  }
  await saveIdentity(home, renewed);
  t.same(await loadIdentity(home), renewed);
});

t.test("renewal is due when two thirds of the life have passed", async (t) => {
  const authority = await Authority.open(t.testdir(), { clock: systemClock, lab: "test" });
  const identity = await issueIdentity(authority, { name: "p0", role: "agent" });
  const day = 86_400_000;
  t.notOk(renewalDue(identity, Date.now() + 59 * day));
  t.ok(renewalDue(identity, Date.now() + 61 * day));
});

t.test("a malformed token is refused without being repeated", async (t) => {
  for (const text of ["", "abcd", "id.secret", "a b.c d.e", `abcdef.${"s".repeat(32)}.xyz`]) {
    const error = t.throws(() => parseToken(text), { code: "invalid-argument" });
    if (text !== "") t.notMatch(String(error), text);
  }
});
