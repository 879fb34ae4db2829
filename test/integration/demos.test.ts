/** Every demo to its end, as a newcomer types it: real daemons, real agents, simulated machines; what each system must show is shown. */
import t from "tap";
import { CliProcess } from "../support/whole-lab/cli-process.js";
import { scratchDirectory } from "../support/host/scratch.js";

/** Beyond any demo on a busy machine; on an idle one each takes less than a minute. */
const demoWithinMs = 300_000;

const demos = {
  hexo: [
    /the output on potato0 continues that of x0/,
    /^Migrations, phase by phase$/m,
    /^ +1 {2}transfer +[\d.]+ {2}\d+$/m,
    /\/var\/tmp\/labd-hexo-hexo-npb-is is gone/,
  ],
  phoenix: [
    /Linux 5\.15\.94\+, boot [0-9a-f-]{36}/,
    /^phx +1 +[\d.]+ /m,
    /linux-libc-dev \S+ is the distribution's/,
    /Linux 5\.15\.0-91-generic, boot [0-9a-f-]{36}/,
  ],
  phos: [/All system go/, /restore done/, /^ +2 +\d+ +[\d.]+ +\d+ +[\d.]+ +\d+ +\d+$/m, /no container phos_phos/],
} as const;

for (const [system, shown] of Object.entries(demos)) {
  t.test(`lab demo ${system} deploys, exercises and undeploys`, async (t) => {
    const demo = new CliProcess(t, await scratchDirectory(t), ["demo", system]);
    const { exitCode, stdout, stderr } = await demo.result(demoWithinMs);
    t.equal(exitCode, 0, stderr.slice(-2000));
    for (const pattern of shown) t.ok(pattern.test(stdout), `shows ${String(pattern)}`);
    t.match(stdout.split("\n").at(-2), /^done in /);
  });
}
