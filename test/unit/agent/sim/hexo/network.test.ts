import { statSync } from "node:fs";
import t from "tap";
import { login, remoteShell } from "../../../../support/hexo-sim/application.js";
import { boardAddress, boardPort, hexoPair } from "../../../../support/hexo-sim/pair.js";

const options = ["-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-p", String(boardPort)];
const target = `root@${boardAddress}`;

t.test("ssh runs a command on the board, from its login directory, with its exit code", async (t) => {
  const { x86 } = await hexoPair(t);
  t.same(await x86.run("ssh", [...options, target, "uname", "-m"]), { exitCode: 0, stdout: "aarch64\n", stderr: "" });
  t.equal((await x86.run("ssh", [...options, target, "pwd"])).stdout, "/root\n");
  t.equal((await x86.run("ssh", [...options, target, "test -e /nowhere"])).exitCode, 1);
  t.equal((await x86.run("ssh", [...options, target, "cd /nowhere && pwd ; exit 7"])).exitCode, 7);
  t.match(await x86.run("ssh", [...options, target, "frobnicate"]), { exitCode: 127, stderr: "command not found" });
});

t.test("exit code 255 is ssh's own: board off, nobody at the port, unknown name, key or user refused", async (t) => {
  const { x86, board } = await hexoPair(t);
  t.match(await x86.run("ssh", ["-p", "22", target, "true"]), { exitCode: 255, stderr: "Connection refused" });
  t.match(await x86.run("ssh", [...options, "root@potato", "true"]), { exitCode: 255, stderr: "Could not resolve hostname potato" });
  t.match(await x86.run("ssh", [...options, `ada@${boardAddress}`, "true"]), { exitCode: 255, stderr: "Permission denied (publickey" });
  t.match(await x86.run("ssh", [...options, "-i", "/root/other", target, "true"]), { exitCode: 255, stderr: "Permission denied" });
  board.isUp = false;
  t.match(await x86.run("ssh", [...options, target, "true"]), { exitCode: 255, stderr: "No route to host" });
  board.isUp = true;
  board.write("/root/.ssh/authorized_keys", "");
  t.match(await x86.run("ssh", [...options, target, "true"]), { exitCode: 255, stderr: "Permission denied" });
  const refused = await hexoPair(t, { board: ["ssh-refused"] });
  t.equal((await refused.x86.run("ssh", [...options, target, "true"])).exitCode, 255);
});

t.test("rsync copies one file either way, says what it did, keeps the time only when told", async (t) => {
  const { x86, board } = await hexoPair(t);
  x86.write("/root/a.bin", Buffer.alloc(5000, 7));
  const there = await x86.run("rsync", ["-t", "--stats", "-e", remoteShell, "/root/a.bin", `${login}/var/tmp/`]);
  t.equal(there.exitCode, 0);
  t.match(there.stdout, /^Number of regular files transferred: 1$/m);
  t.match(there.stdout, /^Total transferred file size: 5,000 bytes$/m);
  const modified = (path: string) => statSync(path).mtimeMs;
  t.ok(Math.abs(modified(board.host("/var/tmp/a.bin")) - modified(x86.host("/root/a.bin"))) < 1);
  const again = await x86.run("rsync", ["-t", "--stats", "-e", remoteShell, "/root/a.bin", `${login}/var/tmp/`]);
  t.match(again.stdout, /^Number of regular files transferred: 0$/m, "the same size and time: taken for the same file");
  board.write("/var/tmp/b.bin", "from the board");
  t.equal((await x86.run("rsync", ["-e", remoteShell, `${login}/var/tmp/b.bin`, "/root/"])).exitCode, 0);
  t.equal(x86.read("/root/b.bin"), "from the board");
});

t.test("rsync fails with 255 without ssh, with 23 for a file that is not there", async (t) => {
  const { x86, board } = await hexoPair(t);
  t.match(await x86.run("rsync", ["-e", remoteShell, "/root/nothing", `${login}/root/`]), { exitCode: 23, stderr: "No such file" });
  board.isUp = false;
  t.match(await x86.run("rsync", ["-e", remoteShell, "/root/.ssh/id_ed25519.pub", `${login}/root/`]), { exitCode: 255 });
});

t.test("several remote names in one argument: refused since rsync 3.2.4; before, the later ones from the login directory", async (t) => {
  const several = `${login}/var/tmp/one.bin two.bin`;
  const recent = await hexoPair(t);
  recent.board.write("/var/tmp/one.bin", "1");
  recent.board.write("/root/two.bin", "2");
  const refused = await recent.x86.run("rsync", ["-a", "-e", remoteShell, several, "/root/"]);
  t.match(refused, { exitCode: 23, stderr: 'link_stat "/var/tmp/one.bin two.bin" failed' });
  t.notOk(recent.x86.exists("/root/one.bin"));

  const old = await hexoPair(t, { x86: ["old-rsync"] });
  t.match((await old.x86.run("rsync", ["--version"])).stdout, /^rsync {2}version 3\.1\.2 /);
  old.board.write("/var/tmp/one.bin", "1");
  old.board.write("/var/tmp/two.bin", "right");
  old.board.write("/root/two.bin", "wrong");
  t.equal((await old.x86.run("rsync", ["-a", "-e", remoteShell, several, "/root/"])).exitCode, 0);
  t.equal(old.x86.read("/root/two.bin"), "wrong");
});

t.test("the template's own ways to the board: home asked at every use, whatever *.bin there is sent, fetching broken", async (t) => {
  const { x86, board } = await hexoPair(t);
  const cwd = "/root/popcorn-compiler/apps/npb-is";
  t.match(await x86.run("make", ["transfer-full-checkpoint-to-arm"], { cwd }), {
    exitCode: 2,
    stderr: "Could not resolve hostname potato",
  });
  t.match(await x86.run("make", ["test-arm", "ARM_TARGET_HOME=/root"], { cwd }), { exitCode: 2 });
  t.notOk(board.exists("/root/prog_aarch64_aligned"));
});

t.test("ping, ss, dd and pgrep tell of the machine", async (t) => {
  const { x86, board } = await hexoPair(t, { board: ["foreign-proxy"] });
  t.equal((await x86.run("ping", ["-c", "1", "-W", "5", boardAddress])).exitCode, 0);
  board.isUp = false;
  t.equal((await x86.run("ping", ["-c", "1", "-W", "5", boardAddress])).exitCode, 1);
  t.match(await x86.run("dd", ["if=/dev/kvm", "of=/dev/kvm", "count=0", "conv=nocreat,notrunc"]), { exitCode: 0 });
  t.match(await board.run("pgrep", ["-a", "-x", "proxy"]), { exitCode: 0, stdout: /^4242 proxy \/home\/ada/ });
  t.match(await x86.run("pgrep", ["-a", "-x", "proxy"]), { exitCode: 1, stdout: "" });
  t.equal((await x86.run("ss", ["-Hltn"])).exitCode, 0);
});
