import { writeFileSync } from "node:fs";
import t from "tap";
import { describeOptions, readConfig } from "../../../controller/config.js";

t.test("flags win over the environment, the environment over the file, the file over defaults", async (t) => {
  const file = `${t.testdir()}/controller.json`;
  writeFileSync(file, JSON.stringify({ inventory: "file.yaml", state: "/file", listen: "127.0.0.1:1", agentWaitMs: 7 }));
  const config = readConfig(["--config", file, "--listen", "127.0.0.1:3"], { LABD_LISTEN: "127.0.0.1:2", LABD_STATE: "/env" });
  t.match(config, { inventory: "file.yaml", state: "/env", listen: "127.0.0.1:3", agentWaitMs: 7, logLevel: "info" });
});

t.test("host names are a list", async (t) => {
  t.same(readConfig(["--inventory", "x", "--names", "lab.example.org,192.0.2.7"], {}).names, ["lab.example.org", "192.0.2.7"]);
});

t.test("what is wrong is told with what would be right", async (t) => {
  t.throws(() => readConfig([], {}), { code: "invalid-argument", message: /--inventory LAB\.yaml/ });
  t.throws(() => readConfig(["--inventory", "x", "--lisen", "y"], {}), { code: "invalid-argument", message: /unknown option --lisen/ });
  t.throws(() => readConfig(["--inventory", "x", "--log-level", "loud"], {}), { code: "invalid-argument", message: /logLevel/ });
  t.throws(() => readConfig(["--inventory", "x", "--config"], {}), { code: "invalid-argument", message: /--config needs a file/ });
});

t.test("help shows every option with its flag, variable and file key", async (t) => {
  const help = describeOptions();
  for (const part of ["--inventory", "LABD_LISTEN", "agentWaitMs", "--exit-with-stdin", "default 10000"]) t.match(help, part);
});
