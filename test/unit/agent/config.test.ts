import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import t from "tap";
import { describeOptions, readConfig } from "../../../agent/config.js";
import { version } from "../../../agent/version.js";
import { scratchDirectory } from "../../support/host/scratch.js";

t.test("flags win over the environment, the environment over the file, the file over defaults", async (t) => {
  const file = join(await scratchDirectory(t), "agent.json");
  await writeFile(file, JSON.stringify({ name: "from file", controller: "file:1", state: "/file", keepJobs: 7 }));
  const config = readConfig(["--config", file, "--name", "from-flag", "--exit-with-stdin"], {
    LABD_NAME: "from-env",
    LABD_CONTROLLER: "env:2",
  });
  t.match(config, { name: "from-flag", controller: "env:2", state: "/file", keepJobs: 7, root: "/", exitWithStdin: true, node: false });
  t.same([config.joinToken, config.grubDirectory, config.logFile], [undefined, undefined, undefined]);
  t.match(readConfig([`--config=${file}`], {}), { name: "from file" });
});

t.test("the join token may come from a file, which may be gone once it is used", async (t) => {
  const directory = await scratchDirectory(t);
  const args = ["--name", "p0", "--controller", "lab:7443"];
  const file = join(directory, "token");
  t.equal(readConfig([...args, "--join-token-file", file], {}).joinToken, undefined);
  await writeFile(file, "id.secret.digest\n");
  t.equal(readConfig([...args, "--join-token-file", file], {}).joinToken, "id.secret.digest");
  t.equal(readConfig(args, { LABD_JOIN_TOKEN: "a.b.c" }).joinToken, "a.b.c");
});

t.test("a file that is no configuration is refused with its name", async (t) => {
  const file = join(await scratchDirectory(t), "agent.json");
  await writeFile(file, "{ nonsense");
  t.throws(() => readConfig(["--config", file], {}), { code: "invalid-argument", message: /^configuration .*agent\.json: / });
  t.throws(() => readConfig(["--config", `${file}.absent`], {}), { code: "invalid-argument", message: /ENOENT/ });
  t.throws(() => readConfig(["--config"], {}), { code: "invalid-argument" });
});

t.test("every option is described with its flag, file key and environment variable", async (t) => {
  const help = describeOptions();
  for (const text of ["--join-token-file", "joinTokenFile", "LABD_JOIN_TOKEN_FILE", '(default "/var/lib/labd")']) t.match(help, text);
});

t.test("the agent says the version the package has", async (t) => {
  const { version: packaged } = JSON.parse(readFileSync(new URL("../../../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  t.equal(version, packaged);
});
