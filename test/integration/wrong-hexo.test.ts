/**
 * What people and other runs leave between two steps of HEXO (facts: HEXO §2–§4): the deployment fails where it shows, and says why and
 * what to do.
 */
import { utimesSync } from "node:fs";
import { connect, createServer } from "node:net";
import t from "tap";
import type { Tool } from "../../agent/sim/tools/tool.js";
import { type Act, type Json, type Known, type Recipe, startedJob } from "../../controller/deploy/recipe.js";
import { hexo } from "../../controller/recipes/hexo/hexo.js";
import { type Alteration, altering } from "../support/wrong-recipe/altered-recipe.js";
import { HexoLab } from "../support/wrong-recipe/hexo-lab.js";
import { springs, type Trap } from "../support/wrong-recipe/hexo-trap.js";

t.setTimeout(400_000);

const ours = "/var/tmp/labd-hexo-pair";
const recipe = hexo as Recipe;

/** touch -d @SECONDS FILE */
const touch: Tool = ({ argv: [, at = "", path = ""], machine }) => {
  const seconds = Number(at.slice(1));
  utimesSync(machine.host(path), seconds, seconds);
  return 0;
};

/** Connects to a port, and is gone. */
const stranger: Tool = async ({ argv: [port = ""] }) => {
  const socket = connect(Number(port), "127.0.0.1");
  await new Promise((resolve) => socket.once("connect", resolve));
  socket.destroy();
  return 0;
};

const pair = await HexoLab.start(t, { tools: { touch, stranger } });

function between(trap: Trap): void {
  t.test(trap.says, (t) => springs(t, pair, trap));
}

/** Acts of whoever else is on the machine, before the n-th act of the step; in the directory of leg `leg` of this run. */
function doing(step: string, n: number, acts: (directory: string, known: Known) => readonly Act[], leg = 0): Alteration {
  return altering(step, (of) => ({
    ...of,
    acts: (known) => {
      const own = of.acts?.(known) ?? [];
      return [...own.slice(0, n), ...acts(`${ours}/${known.runId}/${leg}`, known), ...own.slice(n)];
    },
  }));
}

const put = (path: string, contents = "left over\n"): Act => ({ kind: "write-file", path, contents });

for (const [name, why] of [
  [".lock", /\.lock lies in .*would wait for another one, without a word; undeploy/],
  ["checkpoint/chk_config.txt", /checkpoint lies in .*would restore that old checkpoint instead; undeploy/],
  ["stack.bin.9", /stack\.bin\.9 lies in .*it is of no checkpoint of this run/],
  [".status", /\.status lies in .*an earlier proxy has run here/],
] as const)
  between({
    says: `${name} left in the directory: caught before the proxy starts`,
    alterations: [doing("start/x0/0", 0, (directory) => [put(`${directory}/${name}`)])],
    step: "start/x0/0",
    summary: why,
  });

between({
  says: "a .lock that comes after the look: the proxy blocks silently and is ended",
  alterations: [doing("start/x0/0", 1, (directory) => [put(`${directory}/.lock`)])],
  with: { readyWithinS: 1 },
  step: "ready/x0/0",
  summary: /\.lock waits without a word/,
});
between({
  says: "an old checkpoint that comes after the look: the proxy takes it for its own",
  alterations: [doing("start/x0/0", 1, (directory) => [put(`${directory}/checkpoint/chk_config.txt`)])],
  step: ["ready/x0/0", "start/x0/0"],
  summary: /the proxy has ended before it was ready|migration has failed|cannot restore/,
});
between({
  says: "a stale file among those of the checkpoint is never copied",
  alterations: [
    doing("start/x0/0", 1, (directory) => [
      put(`${directory}/stack.bin.9`),
      { kind: "command", argv: ["touch", "-d", "@1573000000", `${directory}/stack.bin.9`], timeoutMs: 5000 },
    ]),
  ],
  step: "stop/x0/1",
  summary: /stack\.bin\.9 is older than the proxy's start: stale files of another run, never to be copied/,
});

/** Ends the proxy of a start without a word in its `.status`, before the step looks at that. */
function killedAt(step: string, start: string): Alteration {
  return altering(step, (of) => ({
    ...of,
    acts: ({ outputs }) => [{ kind: "end", job: startedJob(outputs, start, "proxy")?.job ?? "", graceMs: 0 }],
  }));
}

between({
  says: "a proxy that dies without a word before it is ready: noticed at once",
  alterations: [killedAt("ready/x0/0", "start/x0/0"), doing("start/x0/0", 1, (directory) => [put(`${directory}/.lock`)])],
  with: { readyWithinS: 60 },
  step: "ready/x0/0",
  summary: /the application is ready for a migration: the proxy has ended/,
});

/** The proxy of a start is told something else. */
function told(step: string, env: Readonly<Record<string, string>>): Alteration {
  const tell = (act: Act): Act => (act.kind === "start" ? { ...act, env: { ...act.env, ...env } } : act);
  return altering(step, (of) => ({ ...of, acts: (known) => (of.acts?.(known) ?? []).map(tell) }));
}

between({
  says: "RESUME forgotten: it begins anew beside its checkpoint",
  alterations: [told("start/potato0/1", { HERMIT_MIGRATE_RESUME: "0" })],
  step: "ready/potato0/1",
  summary: /it runs without having restored anything: it has begun anew/,
});
between({
  says: "FULL_CHKPT_RESTORE on one side only",
  alterations: [told("start/potato0/1", { HERMIT_FULL_CHKPT_RESTORE: "0" })],
  step: ["ready/potato0/1", "start/potato0/1", "prove/potato0"],
  summary: /cannot get pages from the source|cannot restore/,
});
between({
  says: "the node's own id wrong",
  alterations: [told("start/potato0/1", { HERMIT_NODE_ID: "0" })],
  step: ["ready/potato0/1", "start/potato0/1"],
  summary: /migration has failed|the proxy has ended before it was restored/,
});

const postCopy: Readonly<Record<string, Json>> = { mode: "post-copy" };
const noPages = /cannot get pages from the source: SERVER must be its numeric IPv4 address/;

between({
  says: "a name as SERVER: no page ever comes",
  with: postCopy,
  alterations: [told("start/potato0/1", { HERMIT_MIGRATE_SERVER: "localhost" })],
  step: ["ready/potato0/1", "start/potato0/1", "prove/potato0"],
  summary: noPages,
});
between({
  says: "FULL_CHKPT_SAVE left on in post-copy: memory among the files",
  with: postCopy,
  alterations: [told("start/x0/0", { HERMIT_FULL_CHKPT_SAVE: "1" })],
  step: "stop/x0/1",
  summary: /ended without SERVING_REMOTE_PAGES: its memory is lost/,
});
const strangersPort = await pair.freePort();
between({
  says: "a stranger at the page server: it serves one client, and that was it",
  with: { ...postCopy, port: strangersPort },
  alterations: [
    altering("stage/potato0/1", (of) => ({
      ...of,
      acts: (known) => [...(of.acts?.(known) ?? []), { kind: "command", argv: ["stranger", String(strangersPort)], timeoutMs: 5000 }],
    })),
  ],
  step: ["ready/potato0/1", "start/potato0/1", "served/x0/1", "prove/potato0"],
  summary: /has not served all its memory|cannot get pages from the source/,
});
between({
  says: "a source that is ended before its memory was served: the application is lost",
  with: postCopy,
  alterations: [
    doing("transfer/x0/1", 0, (_, { outputs }) => [
      { kind: "end", job: startedJob(outputs, "start/x0/0", "proxy")?.job ?? "", graceMs: 0 },
    ]),
  ],
  step: ["ready/potato0/1", "start/potato0/1", "served/x0/1", "prove/potato0"],
  summary: /the proxy has ended|cannot get pages from the source/,
});
between({
  says: "a file cut short on its way",
  alterations: [altering("arrived/potato0/1", (of) => ({ ...of, acts: ({ runId }) => [put(`${ours}/${runId}/1/fds.bin`, "short")] }))],
  step: "arrived/potato0/1",
  summary: /fds\.bin has 5 bytes, \d+ were written: the copy is not whole/,
});
between({
  says: "a .lock on the board beside the checkpoint: caught before the proxy starts",
  alterations: [doing("start/potato0/1", 0, (directory) => [put(`${directory}/.lock`)], 1)],
  step: "start/potato0/1",
  summary: /\.lock lies in/,
});
between({
  says: "MIGTEST before the first iteration: a resumption could not be told from a new start",
  with: { class: "C", migtest: 1 },
  step: "stop/x0/1",
  summary: /nothing was printed before the checkpoint.*a greater migtest/,
});
between({
  says: "a program that is over before MIGTEST, without any fault",
  with: { class: "A", migtest: 600 },
  step: "stop/x0/1",
  summary: /ended without a checkpoint .*a smaller migtest or a bigger class/,
});

t.test("a page server's port that is taken: caught before anything is built", async (t) => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  t.teardown(() => server.close());
  const address = server.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  const { failure } = await pair.run("deploy", recipe, { with: { ...postCopy, port } });
  t.match(failure, { step: "check/x0", summary: new RegExp(`port ${port} is taken; end what listens there, or choose another port`) });
});
