import t from "tap";
import { BuildHost } from "../../../../support/lego-sim/build-host.js";

t.test("tools that look at the machine's disk", async (t) => {
  const host = await BuildHost.create();
  t.teardown(() => host.remove());
  host.write("/boot/vmlinuz-x", "abc");
  host.write("/proc/300/comm", "lego-storaged\n");
  host.write("/proc/300/cmdline", "");
  host.write("/proc/1/comm", "systemd\n");
  host.write("/proc/1/cmdline", "/sbin/init\0--switched-root\0");

  t.test("sha256sum reads below the machine's root directory", async (t) => {
    const { exitCode, stdout, stderr } = await host.run("sha256sum", ["vmlinuz-x", "vmlinuz-y"], { cwd: "/boot" });
    t.equal(exitCode, 1);
    t.equal(stdout, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  vmlinuz-x\n");
    t.equal(stderr, "sha256sum: vmlinuz-y: No such file or directory\n");
  });

  t.test("pgrep finds a kernel thread by its name", async (t) => {
    t.same(await host.run("pgrep", ["-x", "lego-storaged"]), { exitCode: 0, stdout: "300\n", stderr: "" });
    t.equal((await host.run("pgrep", ["-x", "lego"])).exitCode, 1);
    t.equal((await host.run("pgrep", ["-l", "lego"])).stdout, "300 lego-storaged\n");
  });

  t.test("ps shows kernel threads in brackets", async (t) => {
    const { stdout } = await host.run("ps", ["-e"]);
    t.match(stdout, / 300 .* \[lego-storaged\]\n/);
    t.match(stdout, / {4}1 .* \/sbin\/init --switched-root\n/);
  });

  t.test("readelf and file tell static from dynamic", async (t) => {
    host.write("a.c", "int main(void) { return 0; }\n");
    t.equal((await host.run("gcc", ["-static", "-o", "a", "a.c"])).exitCode, 0);
    t.notMatch((await host.run("readelf", ["-l", "a"])).stdout, "INTERP");
    t.match((await host.run("file", ["a"])).stdout, "statically linked");
    await host.run("gcc", ["-o", "a", "a.c"]);
    t.match((await host.run("readelf", ["-l", "a"])).stdout, "INTERP");
    t.equal((await host.run("readelf", ["-l", "a.c"])).exitCode, 1);
  });

  t.test("gcc stops where C does", async (t) => {
    host.write("b.c", 'int main(void) { puts("a; }\n');
    const { exitCode, stderr } = await host.run("gcc", ["-o", "b", "b.c"]);
    t.equal(exitCode, 1);
    t.equal(stderr, 'b.c:1:23: error: missing terminating " character\n');
    t.match((await host.run("gcc", ["-o", "c", "c.c"])).stderr, "c.c: No such file or directory");
  });

  t.test("make knows no rule, no directory and no makefile it was not given", async (t) => {
    t.match((await host.make("nonsense")).stderr, "make: *** No rule to make target `nonsense'.  Stop.");
    t.match((await host.make("-C", "nowhere")).stderr, "make: *** nowhere: No such file or directory.  Stop.");
    t.match((await host.run("make", [], { cwd: "/boot" })).stderr, "make: *** No targets specified and no makefile found.  Stop.");
    t.equal((await host.make("kernelrelease")).stdout, "4.0.0-lego+\n");
  });
});
