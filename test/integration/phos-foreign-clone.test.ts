/** Somebody's clone where ours was to be, with work in it: neither a deployment nor its way back touches it. */
import t from "tap";
import { PhosBench } from "../support/phos-sim/lab.js";

const source = "/opt/phos/PhoenixOS";
const work = `${source}/my-work.cu`;

t.test("a clone of another repository", { timeout: 60_000 }, async (t) => {
  const bench = await PhosBench.start(t, { faults: ["foreign-clone"] });
  await bench.input("unsaved\n", "tee", work);
  t.match((await bench.deploy()).failure, { step: "clone/gpu0", summary: /is not a clone of/ });
  t.match(await bench.undeploy(), { status: "succeeded", failure: undefined });
  t.match(await bench.command("cat", work), { stdout: "unsaved\n" });
});

t.test("a clone of the right repository that somebody works in", { timeout: 60_000 }, async (t) => {
  const bench = await PhosBench.start(t);
  const repository = "https://github.com/SJTU-IPADS/PhoenixOS.git";
  t.match(await bench.command("git", "clone", "--recurse-submodules", "--branch", "main", repository, source), { exitCode: 0 });
  await bench.input("unsaved\n", "tee", work);
  t.match((await bench.deploy()).failure, { step: "clone/gpu0", summary: /PhoenixOS was not cloned by labd/ });
  t.match(await bench.undeploy(), { status: "succeeded", failure: undefined });
  t.match(await bench.command("cat", work), { stdout: "unsaved\n" });
});
