import { spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import t from "tap";
import { Authority, certificateLifeMs } from "../../../../controller/identity/authority.js";
import { ensureOperator } from "../../../../controller/identity/operator.js";
import { systemClock } from "../../../../proto/base/clock.js";
import { generateKeyPair, loadIdentity } from "../../../../proto/rpc/identity.js";
import { describeCertificate } from "../../../../proto/rpc/peer.js";
import { FakeClock } from "../../../support/fake-clock.js";
import { issueIdentity } from "../../../support/rpc/lab-port.js";

const open = (directory: string, clock = systemClock) => Authority.open(directory, { clock, lab: "rack1" });

t.test("an authority is made once and found again, its key its owner's only", async (t) => {
  const directory = t.testdir();
  const first = await open(directory);
  const again = await open(directory);
  t.equal(again.caSha256, first.caSha256);
  t.equal((await stat(`${directory}/ca-key.pem`)).mode & 0o777, 0o600);
  const { certificatePem } = await issueIdentity(again, { name: "p0", role: "agent" });
  t.ok(new X509Certificate(certificatePem).verify(new X509Certificate(first.caPem).publicKey));
});

t.test("a certificate carries name and role for ninety days", async (t) => {
  const clock = new FakeClock();
  const authority = await open(t.testdir(), clock);
  const { certificatePem } = await issueIdentity(authority, { name: "p0", role: "agent" });
  const { peer, untilMs } = describeCertificate(certificatePem);
  t.same(peer, { name: "p0", role: "agent" });
  t.equal(untilMs, clock.now() + certificateLifeMs);
});

t.test("names that would forge a subject are refused", async (t) => {
  const authority = await open(t.testdir());
  const { publicKey } = generateKeyPair();
  for (const name of ["p0,O=operator", "p0+O=operator", 'p0"', ""]) {
    await t.rejects(authority.issue({ name, role: "agent" }, publicKey), { name: "InvalidArgumentError" });
  }
});

t.test("the port's certificate is good for its names, the host's and those configured", async (t) => {
  const authority = await open(t.testdir());
  const { chainPem } = await authority.issueServer(["lab.example.org", "192.0.2.7"]);
  const leaf = new X509Certificate(chainPem);
  for (const name of ["lab-controller", "localhost", "lab.example.org"]) t.equal(leaf.checkHost(name), name);
  for (const address of ["127.0.0.1", "192.0.2.7"]) t.equal(leaf.checkIP(address), address);
  t.ok(chainPem.endsWith(authority.caPem), "joiners find the CA at the end of the chain");
});

const skip = spawnSync("openssl", ["version"]).status === 0 ? false : "openssl is not installed: apt-get install openssl";

t.test("openssl accepts each certificate for its purpose and no other", { skip }, async (t) => {
  const directory = t.testdir();
  const authority = await open(directory);
  await writeFile(`${directory}/server.pem`, (await authority.issueServer([])).chainPem);
  await writeFile(`${directory}/agent.pem`, (await issueIdentity(authority, { name: "p0", role: "agent" })).certificatePem);
  const verify = (purpose: string, file: string) =>
    spawnSync("openssl", ["verify", "-x509_strict", "-purpose", purpose, "-CAfile", `${directory}/ca.pem`, `${directory}/${file}`]).status;
  t.equal(verify("sslserver", "server.pem"), 0);
  t.equal(verify("sslclient", "agent.pem"), 0);
  t.not(verify("sslserver", "agent.pem"), 0);
  t.not(verify("sslclient", "server.pem"), 0);
});

t.test("the first operator is made at once and again only when the certificate grows old or the CA is another", async (t) => {
  const directory = t.testdir();
  const clock = new FakeClock();
  const home = `${directory}/operator`;
  const authority = await open(directory, clock);
  const key = () => readFile(`${home}/key.pem`, "utf8");
  await ensureOperator(home, { authority, name: "ada", clock });
  const first = await key();
  await ensureOperator(home, { authority, name: "ada", clock });
  t.equal(await key(), first);
  await clock.advance((certificateLifeMs * 2) / 3 + 1);
  await ensureOperator(home, { authority, name: "ada", clock });
  const second = await key();
  t.not(second, first);
  await mkdir(`${directory}/other`);
  const other = await open(`${directory}/other`, clock);
  await ensureOperator(home, { authority: other, name: "ada", clock });
  t.not(await key(), second);
  t.equal((await loadIdentity(home)).caPem, other.caPem);
});
