/** Sessions of a server that takes its time: what comes too late is let go of. */
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import ssh2, { type ServerChannel } from "ssh2";
import t from "tap";
import { SshHost } from "../../../../agent/ssh/connection/host.js";
import { systemClock } from "../../../../proto/base/clock.js";
import { silentLogger } from "../../../../proto/base/logger.js";
import { until } from "../../../support/host/processes.js";
import { scratchDirectory } from "../../../support/host/scratch.js";

t.test("a session that is opened after nobody waits for it any more is closed again", async (t) => {
  const hostKey = ssh2.utils.generateKeyPairSync("ed25519");
  const own = ssh2.utils.generateKeyPairSync("ed25519");
  const asked: (() => ServerChannel)[] = [];
  const server = new ssh2.Server({ hostKeys: [hostKey.private] }, (client) => {
    client.on("authentication", (context) => context.accept());
    client.on("error", () => undefined);
    client.on("session", (accept) => accept().on("exec", (take) => asked.push(take)));
  }).listen(0, "127.0.0.1");
  t.teardown(() => server.close());
  await once(server, "listening");
  const home = await scratchDirectory(t);
  await mkdir(join(home, ".ssh"));
  await writeFile(join(home, ".ssh/id_ed25519"), own.private);
  const { port } = server.address() as AddressInfo;
  const host = new SshHost({
    target: { address: "127.0.0.1", port, user: "root", identity: "", hostKey: hostKey.public },
    files: { home: "", resolve: (path) => Promise.resolve(join(home, path)) },
    clock: systemClock,
    log: silentLogger,
  });
  t.teardown(() => host.close());

  const stop = new AbortController();
  const opened = host.open("sleep 60", { signal: stop.signal });
  await until(() => asked.length === 1, "the server to be asked");
  stop.abort(new Error("changed our mind"));
  await t.rejects(opened);
  const channel = asked[0]?.();
  let closed = false;
  channel?.resume().on("close", () => (closed = true));
  await until(() => closed, "the session to be closed", { withinMs: 3000 });
});
