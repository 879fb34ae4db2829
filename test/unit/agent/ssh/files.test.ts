import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import t from "tap";
import { SshHost } from "../../../../agent/ssh/connection/host.js";
import { SshFiles } from "../../../../agent/ssh/files/files.js";
import { systemClock } from "../../../../proto/base/clock.js";
import { silentLogger } from "../../../../proto/base/logger.js";
import { chunks, filesContract, text } from "../../../support/host/files-contract.js";
import { scratchDirectory } from "../../../support/host/scratch.js";
import { localShell } from "../../../support/ssh/local-shell.js";
import { noSshServer, openSshServer } from "../../../support/ssh/openssh-server.js";

for (const program of [["/bin/sh"], ["/bin/bash", "--posix"]]) {
  t.test(`as every Files, by ${program[0]} alone`, (t) =>
    filesContract(t, async (t) => new SshFiles({ shell: localShell(await scratchDirectory(t), { program }), clock: systemClock })),
  );
}

t.test("as every Files, over a real sshd", noSshServer === undefined ? {} : { skip: noSshServer }, (t) =>
  filesContract(t, async (t) => {
    const server = await openSshServer(t);
    await server.trust();
    const host = new SshHost({ target: server.target, files: server.files, clock: systemClock, log: silentLogger });
    t.teardown(() => host.close());
    return new SshFiles({ shell: host, clock: systemClock });
  }),
);

t.test("a machine whose root directory is not / has its files there, and none is reached outside by dots", async (t) => {
  const root = await scratchDirectory(t);
  const files = new SshFiles({ shell: localShell(root, { env: { LABD_ROOT: root } }), clock: systemClock });
  await mkdir(join(root, "etc"));
  await writeFile(join(root, "etc/hostname"), "board\n");
  t.equal(await text(files.read("/etc/hostname")), "board\n");
  t.equal(await text(files.read("/../../etc/hostname")), "board\n");
  await files.write("/root/new", chunks("x"));
  t.equal(await readFile(join(root, "root/new"), "utf8"), "x");
  await symlink("/etc/passwd", join(root, "escape"));
  await t.rejects(files.write("/escape", chunks("x")), { code: "permission", message: /leads out of the root directory/ });
});
