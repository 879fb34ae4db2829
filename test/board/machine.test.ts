/** The board itself: an aarch64 machine made from Debian packages, reached over OpenSSH. Nothing of labd is in these tests. */
import { createHash, randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { boardMissing, startBoard } from "../support/board/board.js";
import { outputOf, programEnd } from "../support/board/program.js";
import { runs, until } from "../support/host/processes.js";
import { scratchDirectory } from "../support/host/scratch.js";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

t.test("a board boots and answers over ssh", { skip: boardMissing() }, async (t) => {
  const board = await startBoard(t);
  const rsync = (...args: string[]) => outputOf(["rsync", "--checksum", "-e", `ssh -F ${board.sshConfig}`, ...args]);

  await t.test("it is an aarch64 machine of its own, used by somebody who is not root", async (t) => {
    const { stdout, code } = await board.ssh("uname -m; id -un; id -nG; cat /proc/sys/kernel/random/boot_id");
    const [machine, user, groups, bootId] = stdout.split("\n");
    t.same({ code, machine, user, groups }, { code: 0, machine: "aarch64", user: "hexo", groups: "hexo kvm" });
    t.not(bootId, (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim());
  });

  await t.test("an exit code, both outputs and input cross the wire", async (t) => {
    t.match(await board.ssh("echo out; echo err >&2; exit 7"), { code: 7, stdout: "out\n", stderr: /^err$/m });
  });

  await t.test("its clock agrees with the host's", async (t) => {
    const { stdout } = await board.ssh("date +%s");
    t.ok(Math.abs(Number(stdout) - Date.now() / 1000) < 5, `the board says ${stdout.trim()}`);
  });

  await t.test("node runs there", async (t) => {
    const { stdout, stderr } = await board.ssh(`node -p 'process.arch + " " + process.version + " " + 6 * 7'`);
    t.match(stdout, /^arm64 v\d+\.\d+\.\d+ 42$/m, stderr);
  });

  await t.test("rsync carries a file there and back, unchanged", async (t) => {
    const scratch = await scratchDirectory(t);
    const bytes = randomBytes(3_000_001);
    await writeFile(join(scratch, "there.bin"), bytes);
    await rsync(join(scratch, "there.bin"), "board:there.bin");
    t.match(await board.ssh("sha256sum there.bin && stat -c %s there.bin"), { code: 0, stdout: `${sha256(bytes)}  there.bin\n3000001\n` });
    await board.ssh("cat there.bin there.bin > back.bin");
    await rsync("board:back.bin", join(scratch, "back.bin"));
    t.equal(sha256(await readFile(join(scratch, "back.bin"))), sha256(Buffer.concat([bytes, bytes])));
  });

  await t.test("its /dev/kvm can be read and written by its user", async (t) => {
    t.match(await board.ssh("test -r /dev/kvm && test -w /dev/kvm && stat -c %A:%G /dev/kvm"), { code: 0, stdout: "-rw-rw----:kvm\n" });
  });

  await t.test("another host key than the one made for this run is refused", async (t) => {
    const scratch = await scratchDirectory(t);
    await outputOf(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", join(scratch, "other")]);
    const [type = "", key = ""] = (await readFile(join(scratch, "other.pub"), "utf8")).split(" ");
    await writeFile(join(scratch, "known_hosts"), `[127.0.0.1]:${board.sshPort} ${type} ${key}\n`);
    const { code, stderr } = await programEnd([
      "ssh",
      "-F",
      board.sshConfig,
      "-o",
      `UserKnownHostsFile=${join(scratch, "known_hosts")}`,
      "board",
      "true",
    ]);
    t.match({ code, stderr }, { code: 255, stderr: /Host key verification failed/ });
  });

  await t.test("another key than the one made for this run does not open it", async (t) => {
    const scratch = await scratchDirectory(t);
    await outputOf(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", join(scratch, "other")]);
    const { code, stderr } = await programEnd(
      [
        ["ssh", "-F", "/dev/null", "-i", join(scratch, "other"), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"],
        ["-o", "StrictHostKeyChecking=yes", "-o", `UserKnownHostsFile=${join(board.sshConfig, "../known_hosts")}`],
        ["-p", String(board.sshPort), `${board.user}@127.0.0.1`, "true"],
      ].flat(),
    );
    t.match({ code, stderr }, { code: 255, stderr: /Permission denied/ });
  });

  await t.test("its serial line is captured from the kernel's first line on", async (t) => {
    const console = await readFile(board.consoleFile, "utf8");
    t.match(console, /Booting Linux on physical CPU/);
    t.match(console, /board: sshd started after [\d.]+ s/);
  });

  await t.test("stopped, it is gone as after a power failure", async (t) => {
    t.ok(runs(board.pid));
    await board.stop();
    t.notOk(runs(board.pid));
    t.match(await board.ssh("true"), { code: 255, stderr: /Connection refused/ });
  });
});

t.test("a board that does not come up is reported with what its console said last", { skip: boardMissing() }, async (t) => {
  const disk = join(await scratchDirectory(t), "empty");
  await writeFile(disk, Buffer.alloc(4096));
  const error = await startBoard(t, { disk }).catch((thrown: Error) => thrown);
  t.type(error, Error);
  t.match(
    (error as Error).message,
    /waited [\d.]+ s for an answer over ssh.*kernel panicked.*last lines of its console:.*board: no disk.*Kernel panic/s,
  );
});

t.test("a board dies with the process that started it, however that ends", { skip: boardMissing() }, async (t) => {
  const program = fileURLToPath(new URL("../support/board/orphan-child.js", import.meta.url));
  const child = spawn(process.execPath, [program, await scratchDirectory(t)], { stdio: ["ignore", "pipe", "inherit"] });
  t.teardown(() => child.kill("SIGKILL"));
  const [said] = (await once(child.stdout, "data")) as [Buffer];
  const pid = Number(said.toString());
  t.ok(pid > 1 && runs(pid), `machine ${pid} runs`);
  child.kill("SIGKILL");
  await until(() => !runs(pid), "the end of the machine");
});
