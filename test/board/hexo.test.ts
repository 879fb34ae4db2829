/**
 * HEXO between this machine and an aarch64 board: the recipe, controller and agent as in a lab, files over real rsync and ssh, the
 * unikernel's stand-in run by node on both architectures. Its result and its output must be those of a run that was never interrupted.
 */
import { copyFile, mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import t from "tap";
import { type Board, boardMissing, startBoard } from "../support/board/board.js";
import { type PairLab, startPairLab } from "../support/board/pair-lab.js";
import { outputOf } from "../support/board/program.js";

const deployment = "hexo-npb-is";
/** Both directions in one run; class W is over in seconds and prints its iterations. Node starts slowly on the board. */
const parameters = { mode: "checkpoint", direction: "ping-pong", class: "W", mem: "48M", migtest: 1, readyWithinS: 120 };

t.test("a HEXO pair of this machine and an aarch64 board reached by ssh", { skip: boardMissing() }, async (t) => {
  const board = await startBoard(t);
  const pair = await startPairLab(t, board, { [deployment]: parameters });

  await t.test("both machines are what the inventory says", async (t) => {
    const { stdout, stderr } = await pair.lab("exec", "potato0", "--", "uname", "-m");
    t.equal(stdout, "aarch64\n", stderr);
    t.match(await pair.lab("tail", "potato0", "-n", "1000"), { exitCode: 0 });
  });

  await t.test("an application moves to the board and back, and its result is that of an uninterrupted run", async (t) => {
    const { exitCode, stdout, stderr } = await pair.lab("deploy", deployment);
    t.equal(exitCode, 0, `${stdout}\n${stderr}`);
    for (const node of ["x0", "potato0"]) t.match(stdout, new RegExp(`evidence {2}${node} .*sha256`), `checksums on ${node}`);
    t.match(stdout, /evidence {2}x0 .*Verification\s+=\s+SUCCESSFUL/);
    const [begun = "", over = ""] = await proxyOutputs(pair);
    const [there = "", ...more] = await boardOutputs(board);
    t.same(more, [], "one proxy ran on the board");
    t.match(begun, /\n +1\n[^]*\nUhyve: exiting\n$/, "it was stopped here");
    t.match(there, /^ +\d+\n[^]*\nUhyve: exiting\n$/, "and on the board");
    for (const part of [there, over]) t.notMatch(part, /^ +1$/m, "it never began again");
    const parts = [begun, there].map((text) => text.replace(/Uhyve: exiting\n$/, ""));
    t.equal(`${parts.join("")}${over}`, await uninterrupted(pair), "all that was printed, once");
  });

  await t.test("it is taken back", async (t) => {
    const { exitCode, stdout, stderr } = await pair.lab("undeploy", deployment);
    t.equal(exitCode, 0, `${stdout}\n${stderr}`);
    t.same(await readdir(join(pair.directory, "work")), []);
    t.match(await board.ssh("ls -A | grep hexo; pgrep -x proxy"), { code: 1, stdout: "" });
  });
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

/** Output of the proxies this machine's agent has run, in the order of their starts. */
async function proxyOutputs({ jobs }: PairLab): Promise<string[]> {
  const requests = await Promise.all(
    (await readdir(jobs)).map(async (id) => {
      const { argv } = JSON.parse(await readFile(join(jobs, id, "request.json"), "utf8")) as { argv: string[] };
      return { id, argv };
    }),
  );
  // The program's directory is numbered: .../RUN/0/prog_…
  const proxies = requests.filter(({ argv }) => isProxy(argv)).sort((a, b) => ((a.argv[1] ?? "") < (b.argv[1] ?? "") ? -1 : 1));
  return await Promise.all(proxies.map(({ id }) => readFile(join(jobs, id, "stdout"), "utf8")));
}

/** The same of the board. */
async function boardOutputs(board: Board): Promise<string[]> {
  const { stdout } = await board.ssh(`cd .labd/jobs && for d in *; do cat "$d/request"; echo "$d"; done`);
  const lines = stdout.split("\n");
  const ids = lines.flatMap((line, index) => {
    if (!line.startsWith("{")) return [];
    const { argv } = JSON.parse(line) as { argv: string[] };
    return isProxy(argv) ? [lines[index + 1] ?? ""] : [];
  });
  return await Promise.all(ids.map(async (id) => (await board.ssh(`cat .labd/jobs/${id}/stdout`)).stdout));
}

function isProxy([program = "", file = ""]: readonly string[]): boolean {
  return program.endsWith("/proxy") && file.includes(`/labd-hexo-${deployment}/`);
}
