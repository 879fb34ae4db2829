/**
 * HEXO between this machine and an aarch64 board: the recipe, controller and agent as in a lab, files over real rsync and ssh, the
 * unikernel's stand-in run by node on both architectures. Its result and its output must be those of a run that was never interrupted.
 */
import { readdir, readFile } from "node:fs/promises";
import { mkdir, copyFile } from "node:fs/promises";
import { join } from "node:path";
import t from "tap";
import { type Board, boardMissing, startBoard } from "../support/board/board.js";
import { type PairLab, startPairLab } from "../support/board/pair-lab.js";
import { outputOf } from "../support/board/program.js";

const common = { class: "W", mem: "48M", migtest: 2, mode: "checkpoint", readyWithinS: 120 };
const deployments = {
  "hexo-npb-is": { ...common, direction: "x86-to-arm" },
  "hexo-npb-is-back": { ...common, direction: "arm-to-x86" },
};

t.test("a HEXO pair of this machine and an aarch64 board reached by ssh", { skip: boardMissing() }, async (t) => {
  const board = await startBoard(t);
  const pair = await startPairLab(t, board, deployments);

  await t.test("both machines are what the inventory says", async (t) => {
    const { stdout, stderr } = await pair.lab("exec", "potato0", "--", "uname", "-m");
    t.equal(stdout, "aarch64\n", stderr);
    t.match(await pair.lab("tail", "potato0", "-n", "1000"), { exitCode: 0 });
  });

  for (const [deployment, from, to] of [
    ["hexo-npb-is", "x0", "potato0"],
    ["hexo-npb-is-back", "potato0", "x0"],
  ] as const) {
    await t.test(`${deployment}: an application moves from ${from} to ${to} and its result is that of an uninterrupted run`, async (t) => {
      const { exitCode, stdout, stderr } = await pair.lab("deploy", deployment);
      t.equal(exitCode, 0, `${stdout}\n${stderr}`);
      t.match(stdout, /evidence {2}(?:x0|potato0) .*sha256/);
      t.match(stdout, new RegExp(`evidence {2}${to} .*Verification\\s+=\\s+SUCCESSFUL`));
      const outputs = { x0: await proxyOutputs(pair, deployment), potato0: await boardOutputs(board, deployment) };
      t.same([outputs.x0.length, outputs.potato0.length], [1, 1], "one proxy ran on each machine");
      const parts = [outputs[from][0] ?? "", outputs[to][0] ?? ""];
      t.match(parts[0], /\n +1\n[^]*\nUhyve: exiting\n$/, "it was stopped");
      t.notMatch(parts[1], /^ +1$/m, "it did not begin again");
      t.equal(`${(parts[0] ?? "").replace(/Uhyve: exiting\n$/, "")}${parts[1]}`, await uninterrupted(pair), "all that was printed, once");
    });

    await t.test(`${deployment} is taken back`, async (t) => {
      const { exitCode, stdout, stderr } = await pair.lab("undeploy", deployment);
      t.equal(exitCode, 0, `${stdout}\n${stderr}`);
      t.same(await readdir(join(pair.directory, "work")), []);
      t.match(await board.ssh("ls -A | grep hexo; pgrep -x proxy"), { code: 1, stdout: "" });
    });
  }
});

/** What the same program prints on this machine when nobody asks it to move. */
async function uninterrupted({ directory, source, toolchain, environment }: PairLab): Promise<string> {
  const at = join(directory, "uninterrupted");
  await mkdir(at, { recursive: true });
  for (const name of ["prog_x86-64_aligned", "prog_aarch64_aligned"]) await copyFile(join(source, "apps/npb-is", name), join(at, name));
  const proxy = { HERMIT_ISLE: "uhyve", HERMIT_MEM: "48M", HERMIT_NODE_ID: "0" };
  const command = `cd '${at}' && rm -f .lock .status && exec '${toolchain}/x86_64-host/bin/proxy' '${at}/prog_x86-64_aligned'`;
  return await outputOf(["sh", "-c", command], { env: { ...(environment as Record<string, string>), ...proxy } });
}

/** Output of every proxy of the deployment this machine's agent has run. */
async function proxyOutputs({ jobs }: PairLab, deployment: string): Promise<string[]> {
  const found: string[] = [];
  for (const id of await readdir(jobs)) {
    const { argv } = JSON.parse(await readFile(join(jobs, id, "request.json"), "utf8")) as { argv: string[] };
    if (isProxy(argv, deployment)) found.push(await readFile(join(jobs, id, "stdout"), "utf8"));
  }
  return found;
}

/** The same of the board. */
async function boardOutputs(board: Board, deployment: string): Promise<string[]> {
  const { stdout } = await board.ssh('cd .labd/jobs && for d in *; do cat $d/request; echo "$d"; done');
  const lines = stdout.split("\n");
  const ids = lines.flatMap((line, index) => {
    if (!line.startsWith("{")) return [];
    const { argv } = JSON.parse(line) as { argv: string[] };
    return isProxy(argv, deployment) ? [lines[index + 1] ?? ""] : [];
  });
  return await Promise.all(ids.map(async (id) => (await board.ssh(`cat .labd/jobs/${id}/stdout`)).stdout));
}

function isProxy([program = "", file = ""]: readonly string[], deployment: string): boolean {
  return program.endsWith("/proxy") && file.includes(`/labd-hexo-${deployment}/`);
}
