import { execFileSync } from "node:child_process";
import { copyFile, readFile } from "node:fs/promises";
import { machine } from "node:os";
import { join } from "node:path";
import t, { type Test } from "tap";
import { SshHost } from "../../../../agent/ssh/connection/host.js";
import type { Target } from "../../../../agent/ssh/connection/identity.js";
import { SshMachine } from "../../../../agent/ssh/machine.js";
import { ask, talk } from "../../../../agent/ssh/shell/conversation.js";
import { systemClock } from "../../../../proto/base/clock.js";
import { silentLogger } from "../../../../proto/base/logger.js";
import { makeKey, noSshServer, openSshServer, type SshServer } from "../../../support/ssh/openssh-server.js";
import { until } from "../../../support/host/processes.js";

const options = noSshServer === undefined ? {} : { skip: noSshServer };

function hostOf(t: Test, server: SshServer, target: Partial<Target> = {}): SshHost {
  const host = new SshHost({ target: { ...server.target, ...target }, files: server.files, clock: systemClock, log: silentLogger });
  t.teardown(() => host.close());
  return host;
}

const echo = (host: SshHost, text: string) => ask(host, systemClock, `printf %s '${text}'`, { awaited: "an echo" });

t.test("a host key that known_hosts does not know is refused, and the message says how to accept it", options, async (t) => {
  const server = await openSshServer(t);
  const { port } = server.target;
  const key = await server.hostKey();
  const host = hostOf(t, server);
  const error = await echo(host, "x").catch((thrown: Error) => thrown);
  t.match(error, { code: "authentication", message: /its host key is not known: it offered ssh-ed25519 SHA256:/ });
  t.match(error, { message: new RegExp(`ssh-keyscan -p ${port} 127\\.0\\.0\\.1 >> ~/\\.ssh/known_hosts`) });
  t.ok((error as Error).message.includes(`host_key: "${key}"`), "the key is there to be copied");
  await server.trust();
  t.match(await echo(host, "now it is known"), { code: 0, stdout: Buffer.from("now it is known") });
});

t.test("the host key of the inventory is enough, and stands above known_hosts", options, async (t) => {
  const server = await openSshServer(t);
  t.equal(String((await echo(hostOf(t, server, { hostKey: await server.hostKey() }), "in")).stdout), "in");
  await server.trust();
  makeKey(join(server.directory, "other"));
  const other = (await readFile(join(server.directory, "other.pub"), "utf8")).split(" ").slice(0, 2).join(" ");
  await t.rejects(echo(hostOf(t, server, { hostKey: other }), "x"), {
    code: "authentication",
    message: /its host key has changed: it offered .* the inventory's host_key says/,
  });
});

t.test("a host key that has changed is refused on the next connection", options, async (t) => {
  const server = await openSshServer(t);
  await server.trust();
  const host = hostOf(t, server);
  await echo(host, "x");
  await server.stop();
  await server.changeHostKey();
  await server.start();
  await until(
    () =>
      echo(host, "x").then(
        () => false,
        (error: Error) => /its host key has changed: it offered .*known_hosts says/.test(error.message),
      ),
    "the new key to be refused",
  );
});

t.test("each way of not getting in has its own words", options, async (t) => {
  const server = await openSshServer(t);
  await server.trust();
  await t.rejects(echo(hostOf(t, server, { identity: "/home/.ssh/absent" }), "x"), {
    code: "authentication",
    message: /no private key to log in with \(\/home\/\.ssh\/absent: there is no such file\)/,
  });
  makeKey(join(server.directory, "home/.ssh/stranger"));
  await t.rejects(echo(hostOf(t, server, { identity: "/home/.ssh/stranger" }), "x"), {
    code: "authentication",
    message: /none of the keys is accepted \(ssh-ed25519 SHA256:/,
  });
  await copyFile(join(server.directory, "home/.ssh/id_ed25519"), join(server.directory, "home/.ssh/locked"));
  execFileSync("ssh-keygen", ["-q", "-p", "-P", "", "-N", "secret", "-f", join(server.directory, "home/.ssh/locked")]);
  await t.rejects(echo(hostOf(t, server, { identity: "/home/.ssh/locked" }), "x"), { message: /is locked by a passphrase/ });
  await server.stop();
  await t.rejects(echo(hostOf(t, server), "x"), { code: "unreachable", message: /connection refused: nothing listens there/ });
});

t.test("a connection that is cut is told to who uses it, and made again for the next", options, async (t) => {
  const server = await openSshServer(t);
  await server.trust();
  const host = hostOf(t, server);
  await echo(host, "x");
  const waiting = talk(host, systemClock, "echo begun; sleep 60", { awaited: "the end of a long script" });
  t.match((await waiting.next()).value, Buffer.from("begun\n"));
  const told = t.rejects(waiting.next(), {
    code: "unreachable",
    message: /the connection was lost before the end of a long script had come/,
  });
  await server.cutConnections();
  await told;
  t.equal(String((await echo(host, "again")).stdout), "again");
});

t.test("a script that falls silent is given up, and others go on over the same connection", options, async (t) => {
  const server = await openSshServer(t);
  await server.trust();
  const host = hostOf(t, server);
  await t.rejects(ask(host, systemClock, "sleep 60", { awaited: "a word", silenceMs: 100 }), {
    code: "deadline",
    message: /ssh .*: waited 0\.1 s for a word; last seen: nothing more from the machine/,
  });
  const many = await Promise.all(Array.from({ length: 20 }, (_, index) => echo(host, String(index))));
  t.same(
    many.map(({ stdout }) => String(stdout)),
    Array.from({ length: 20 }, (_, index) => String(index)),
  );
});

t.test("facts come from /proc of the other machine in one go", options, async (t) => {
  const server = await openSshServer(t);
  await server.trust();
  const facts = await new SshMachine({ shell: hostOf(t, server), clock: systemClock, rebootArgv: ["reboot"] }).facts();
  t.match(facts, { kernel: "Linux", arch: machine(), bootId: /^[0-9a-f-]{36}$/ });
  t.ok(facts.cpuCount > 0 && facts.memoryBytes > 0 && facts.disks.some((disk) => disk.mount === "/"));
});
