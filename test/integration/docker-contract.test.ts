/** The docker stand-in keeps docker's contract; so does the real one, where one answers and has an image to run. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import t from "tap";
import { PhosBench } from "../support/phos-sim/lab.js";
import { type Docker, dockerContract, type Ran } from "../support/docker/contract.js";

t.test("the stand-in", { timeout: 60_000 }, async (t) => {
  const bench = await PhosBench.start(t);
  await bench.command("docker", "pull", "busybox");
  await dockerContract(t, (argv, stdin) => bench.input(stdin ?? "", "docker", ...argv), { image: "busybox", prefix: "contract" });
});

const real: Docker = async (argv, stdin = "") => {
  const child = execFile("docker", [...argv], { timeout: 60_000 });
  const said = { stdout: "", stderr: "" };
  child.stdout?.on("data", (text: string) => void (said.stdout += text));
  child.stderr?.on("data", (text: string) => void (said.stderr += text));
  child.stdin?.end(stdin);
  child.stdin?.on("error", () => undefined);
  try {
    const [exitCode] = (await once(child, "close")) as [number | null];
    return { exitCode: exitCode ?? undefined, ...said };
  } catch (error) {
    return { exitCode: undefined, stdout: "", stderr: (error as Error).message };
  }
};

/** An image that is there already: a test downloads none. */
async function presentImage(): Promise<string | undefined> {
  for (const image of ["busybox", "alpine", "ubuntu", "debian"]) if ((await real(["image", "inspect", image])).exitCode === 0) return image;
  return undefined;
}

const answer: Ran = await real(["info", "--format", "{{.ServerVersion}}"]);
const image = answer.exitCode === 0 ? await presentImage() : undefined;
const reason =
  answer.exitCode !== 0
    ? "no docker engine answers on this host"
    : "the docker engine of this host has none of busybox, alpine, ubuntu, debian";

t.test("a real engine", { skip: image === undefined ? reason : false, timeout: 120_000 }, async (t) => {
  await dockerContract(t, real, { image: image ?? "", prefix: `labd-contract-${process.pid}` });
});
