import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import t from "tap";
import type { Test } from "tap";
import { systemClock } from "../../../proto/base/clock.js";
import { NodeServiceService } from "../../../proto/gen/lab/v1/node.js";
import { dialChannel } from "../../../proto/rpc/channel.js";
import { clientOf } from "../../../proto/rpc/client.js";
import { loadIdentity } from "../../../proto/rpc/identity.js";

const program = join(import.meta.dirname, "../../../controller/main.js");
const inventory = "lab: rack1\nagents:\n  rack1: { site: true }\nnodes:\n  p0: { address: 10.0.0.10 }\n";

function run(t: Test, args: readonly string[]) {
  const child = spawn(process.execPath, [program, ...args], { stdio: ["pipe", "pipe", "pipe"] });
  t.teardown(() => child.kill("SIGKILL"));
  let errors = "";
  child.stderr.on("data", (text: Buffer) => {
    errors += text.toString();
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = once(child, "exit").then(([code, signal]) => ({ code: code as number | null, signal: signal as string | null, errors }));
  return { child, ended, line: async () => (await lines.next()).value as string | undefined };
}

function labFor(t: Test) {
  const directory = t.testdir({ "lab.yaml": inventory });
  const state = join(directory, "state");
  return { state, args: ["--inventory", join(directory, "lab.yaml"), "--state", state, "--listen", "127.0.0.1:0"] };
}

t.test("one line says where it listens and where its state is; SIGTERM ends it cleanly", async (t) => {
  const { state, args } = labFor(t);
  const controller = run(t, args);
  t.match(await controller.line(), /^lab-controller listens on 127\.0\.0\.1:\d+; lab rack1, state in .*state; try: lab nodes$/);
  const { address } = JSON.parse(await readFile(join(state, "endpoint.json"), "utf8")) as { address: string };
  const identity = await loadIdentity(join(state, "operator"));
  const channel = dialChannel({ address, caPem: identity.caPem, identity, clock: systemClock });
  t.match(await clientOf(NodeServiceService, channel).listNodes({ nodeset: "", probePower: false }), { lab: "rack1" });
  channel.close();
  controller.child.kill("SIGTERM");
  t.match(await controller.ended, { code: 0, signal: null });
});

t.test("a second controller on the same state is refused; after kill -9 of the first it is not", async (t) => {
  const { args } = labFor(t);
  const first = run(t, args);
  await first.line();
  t.match(await run(t, args).ended, { code: 4, errors: /another lab-controller uses it/ });
  first.child.kill("SIGKILL");
  await first.ended;
  const third = run(t, args);
  t.match(await third.line(), /listens on/);
});

t.test("with --exit-with-stdin it does not outlive whoever started it", async (t) => {
  const controller = run(t, [...labFor(t).args, "--exit-with-stdin"]);
  await controller.line();
  controller.child.stdin.end();
  t.match(await controller.ended, { code: 0 });
});

t.test("a broken inventory, a wrong option and help have exit codes of their own", async (t) => {
  const directory = t.testdir({ "lab.yaml": "lab: rack1\nnodes:\n  p0: { adress: 10.0.0.10 }\n" });
  const [broken, wrong, help] = await Promise.all([
    run(t, ["--inventory", join(directory, "lab.yaml"), "--state", join(directory, "state")]).ended,
    run(t, ["--bogus"]).ended,
    run(t, ["--help"]).ended,
  ]);
  t.match(broken, { code: 3, errors: /did you mean "address"/ });
  t.match(wrong, { code: 2, errors: /unknown option --bogus/ });
  t.match(help, { code: 0, errors: "" });
});
