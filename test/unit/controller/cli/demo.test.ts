/** What a demo shows can be typed, and nobody has the ports its machines listen on. */
import t from "tap";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { loadLab } from "../../../../inventory/load.js";
import { withFreePorts } from "../../../../controller/cli/demo/demo-inventory.js";
import { demoScripts, inventoryOf, offeredScripts } from "../../../../controller/cli/demo/scripts.js";
import { parseExercise } from "../../../../controller/cli/json-values.js";
import { buildProgram } from "../../../../controller/cli/program.js";
import { recipes } from "../../../../controller/recipes/index.js";

t.test("every port becomes one that is free by UDP and TCP; where one is said twice, it is still one", async (t) => {
  const text = "bmc: { port: 9623 }\nssh: { port: 2222 }\nsim: { port: 2222, transport: 9 }\n";
  const free = await withFreePorts(text);
  const [, bmc, ssh, sim] = /^bmc: \{ port: (\d+) \}\nssh: \{ port: (\d+) \}\nsim: \{ port: (\d+), transport: 9 \}\n$/.exec(free) ?? [];
  t.ok(Number(bmc) >= 1024, free);
  t.equal(ssh, sim);
  t.not(ssh, bmc);
  for (const port of [bmc, ssh].map(Number)) {
    const tcp = createServer().listen(port, "127.0.0.1");
    const udp = createSocket("udp4").bind(port, "127.0.0.1");
    await Promise.all([once(tcp, "listening"), once(udp, "listening")]);
    tcp.close();
    udp.close();
  }
});

t.test("every command of every script is one that lab understands", async (t) => {
  for (const { system, show, back, worthTrying } of demoScripts) {
    for (const command of [...show, ...back, ...worthTrying]) {
      const words = (typeof command === "string" ? command : command.type).split(" ");
      let launched = 0;
      const program = buildProgram(async () => void (launched += 1), "0");
      for (const each of [program, ...program.commands]) each.configureOutput({ writeErr: () => {} });
      await t.resolves(program.parseAsync(words, { from: "user" }), `${system}: lab ${words.join(" ")}`);
      t.equal(launched, 1);
    }
  }
});

t.test("what a script runs is there: deployments in its inventory, exercises and options in their recipes", async (t) => {
  t.equal(offeredScripts()[0]?.system, "lego");
  for (const script of offeredScripts()) {
    const { deployments } = loadLab(inventoryOf(script));
    const shown = [...script.show, ...script.back].map((each) => (typeof each === "string" ? each : each.type).split(" "));
    for (const [verb = "", name = "", ...words] of shown.filter(([each = ""]) => ["deploy", "undeploy", "run", "migrate"].includes(each))) {
      const deployment = deployments.find((each) => each.name === name);
      t.ok(deployment, `${script.inventory} has ${name}`);
      if (verb !== "run" && verb !== "migrate") continue;
      const exercises = recipes.find((each) => each.name === deployment?.recipe)?.exercises ?? {};
      const asked = parseExercise(verb === "migrate" ? ["migrate", ...words] : words);
      const exercise = exercises[asked.exercise || (Object.keys(exercises)[0] ?? "")];
      const request = Object.fromEntries(Object.entries(asked.request).map(([key, json]) => [key, JSON.parse(json) as unknown]));
      t.ok(exercise?.parameters.safeParse(request).success, `lab ${verb} ${name} ${words.join(" ")}`);
    }
  }
});
