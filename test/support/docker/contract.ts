/** docker's command line as the phos recipe rests on it: held by the stand-in, and by a real engine where there is one. */
import type { Test } from "tap";

export interface Ran {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `docker ARGV…` without a terminal. */
export type Docker = (argv: readonly string[], stdin?: string) => Promise<Ran>;

/** `image`: one that has a shell and sleep. `prefix`: of the names of containers made here; all are removed. */
export async function dockerContract(t: Test, docker: Docker, { image, prefix }: { image: string; prefix: string }): Promise<void> {
  const name = `${prefix}-one`;
  const run = (...more: string[]) => docker(["run", "-d", "--init", "--name", name, "--label", "labd.deployment=contract", ...more]);
  const keep = ["--entrypoint", "sleep", image, "infinity"];
  t.teardown(() => docker(["rm", "-f", name]));

  await t.test("inspect of no container ends with 1 and says so", async (t) => {
    t.match(await docker(["container", "inspect", name]), { exitCode: 1, stderr: /No such container: / });
  });

  await t.test("run -d prints an id and returns while the container runs; its name is taken from then on", async (t) => {
    t.match(await run(...keep), { exitCode: 0, stdout: /^[0-9a-f]{64}\n$/ });
    t.match(await run(...keep), { exitCode: 125, stderr: /Conflict\. The container name "\/.*" is already in use by container/ });
  });

  await t.test("inspect tells state and labels", async (t) => {
    const [seen] = JSON.parse((await docker(["container", "inspect", name])).stdout) as Record<string, unknown>[];
    t.match(seen, { Name: `/${name}`, State: { Status: "running" }, Config: { Labels: { "labd.deployment": "contract" } } });
  });

  await t.test("exec gives output and exit code of the program, and reads its standard input only when told", async (t) => {
    t.match(await docker(["exec", name, "echo", "a", "b"]), { exitCode: 0, stdout: "a b\n" });
    t.match(await docker(["exec", name, "false"]), { exitCode: 1 });
    t.match(await docker(["exec", "-i", name, "tee", "/tmp/said"], "hello\n"), { exitCode: 0, stdout: "hello\n" });
    t.match(await docker(["exec", "-w", "/tmp", name, "cat", "said"]), { exitCode: 0, stdout: "hello\n" });
  });

  await t.test("exec ends with 127 for no program, 126 for no directory, 1 for no container", async (t) => {
    t.match(await docker(["exec", name, "no-such-program"]), { exitCode: 127 });
    const nowhere = await docker(["exec", "-w", "/no/such/directory", name, "echo"]);
    t.ok(nowhere.exitCode === 126 || nowhere.exitCode === 127, `ended with ${String(nowhere.exitCode)}`);
    t.match(await docker(["exec", `${name}-not`, "echo"]), { exitCode: 1, stderr: /No such container/ });
  });

  await t.test("a terminal cannot be had where there is none", async (t) => {
    t.match(await docker(["exec", "-it", name, "sh"]), { exitCode: 1, stderr: /the input device is not a TTY/ });
  });

  await t.test("mkdir without -p fails for a directory that is there: what the recipe rests on for a fresh one", async (t) => {
    t.match(await docker(["exec", name, "mkdir", "/tmp/fresh"]), { exitCode: 0 });
    t.match(await docker(["exec", name, "mkdir", "/tmp/fresh"]), { exitCode: 1, stderr: /File exists/ });
  });

  await t.test("a restart ends what runs inside and keeps the files", async (t) => {
    t.match(await docker(["exec", "-d", name, "sleep", "3600"]), { exitCode: 0 });
    t.match(await docker(["restart", "-t", "1", name]), { exitCode: 0 });
    t.match(await docker(["exec", name, "pgrep", "-f", "sleep 3600"]), { exitCode: 1 });
    t.match(await docker(["exec", name, "cat", "/tmp/said"]), { exitCode: 0, stdout: "hello\n" });
  });

  await t.test("rm of a container that runs needs force; then nothing is left", async (t) => {
    t.match(await docker(["rm", name]), { exitCode: 1, stderr: /running/ });
    t.match(await docker(["rm", "-f", name]), { exitCode: 0 });
    t.match(await docker(["container", "inspect", name]), { exitCode: 1 });
  });

  await t.test("run --rm gives the program's exit code and leaves nothing", async (t) => {
    t.match(await docker(["run", "--rm", "--name", name, "--entrypoint", "false", image]), { exitCode: 1 });
    t.match(await docker(["container", "inspect", name]), { exitCode: 1 });
  });

  await t.test("a program that is not in the image is no container at all", async (t) => {
    const result = await docker(["run", "--rm", "--name", name, "--entrypoint", "no-such-program", image]);
    t.equal(result.exitCode, 127);
    await docker(["rm", "-f", name]);
  });
}
