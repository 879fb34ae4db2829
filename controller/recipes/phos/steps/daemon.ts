/** The daemon, which runs in the foreground and is therefore held by a job (facts: PhOS §3, §4 step 4). */
import { startedJob, type CommandOutcome, type Known, type Requirement, type Step, type Verdict } from "../../../deploy/recipe.js";
import { stampFile, stampOf } from "../build.js";
import { type Design, inContainer, linesOf, minutes, seconds, stepIds, textFrom } from "../design.js";
import { judgeDaemonOnGpu, processQuery } from "../gpu.js";
import { judgeDaemonPort, udpQuery } from "../host-tools.js";
import { look } from "../look.js";

export function daemonSteps(design: Design): Step[] {
  return [daemon(design)];
}

function daemon(design: Design): Step {
  const { node } = design;
  const startedS = ({ outputs }: Known) => Math.floor((startedJob(outputs, stepIds.daemon(design), "daemon")?.startedMs ?? 0) / 1000);
  const logs = ({ outputs }: Known) => textFrom(outputs, stepIds.configure(design), "daemonLog");
  return {
    id: stepIds.daemon(design),
    phase: "daemon",
    node: node.name,
    title: "xpu-server takes the GPUs; UDP 5213 is open to the network without authentication",
    needs: [stepIds.installed(design)],
    repeat: "verify",
    actsWithinMs: 3 * minutes,
    acts: ({ outputs }) => [
      // What was proven by the step before is now remembered where it would be lost together with it.
      {
        kind: "command",
        argv: ["docker", "exec", "-i", design.container, "tee", stampFile],
        stdin: stampOf(design, textFrom(outputs, stepIds.clone(design), "commit")),
        timeoutMs: 30 * seconds,
      },
      { kind: "start", name: "daemon", argv: inContainer(design, ["pos_cli", "--start", "--target", "daemon"]), timeoutMs: 0 },
    ],
    evidence: [
      ...daemonAlive(design, (known) => startedJob(known.outputs, stepIds.daemon(design), "daemon")?.job ?? ""),
      look(
        "it writes its log",
        // A log of an earlier daemon is none of this one.
        (known) => inContainer(design, ["find", logs(known), "-type", "f", "-newermt", `@${startedS(known)}`]),
        ({ exitCode, stdout }) =>
          exitCode === 0 && linesOf(stdout).length > 0
            ? { ok: true, lines: linesOf(stdout).slice(0, 3) }
            : { ok: false, reason: "there is no log of the daemon" },
      ),
      look("it has the GPUs", processQuery, judgeDaemonOnGpu, 60 * seconds),
    ],
  };
}

/** Its job runs and has not complained, its process is there, its port is bound. */
export function daemonAlive(design: Design, job: (known: Known) => string): Requirement[] {
  return [
    look("it listens on UDP 5213", udpQuery, judgeDaemonPort, design.parameters.daemonWithinS * seconds),
    {
      kind: "job",
      job,
      claim: "pos_cli holds the daemon and has not complained",
      withinMs: 15 * seconds,
      judge: ({ state, exitCode, stdout, stderr }) => {
        const lines = linesOf(`${stdout}\n${stderr}`);
        const complaint = lines.find((line) => /POS_ERROR|CLI executed failed/.test(line));
        if (complaint !== undefined) return { ok: false, final: true, reason: complaint, lines: lines.slice(-5) };
        if (state === "running") return { ok: true, lines: lines.slice(-1) };
        return { ok: false, final: true, reason: `the daemon has ended (${String(exitCode ?? state)})`, lines: lines.slice(-5) };
      },
    },
    look("the process xpu-server is there", inContainer(design, ["pgrep", "-x", "xpu-server"]), judgeXpuServer),
  ];
}

/** `pgrep -x xpu-server` */
export function judgeXpuServer({ exitCode, stdout }: CommandOutcome): Verdict {
  const [pid] = linesOf(stdout);
  if (exitCode === 0 && pid !== undefined) return { ok: true, lines: [`xpu-server, process ${pid}`] };
  return { ok: false, final: true, reason: "there is no process xpu-server: the daemon died" };
}
