import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { watchConsoles } from "../../../../controller/agents/console-watch.js";
import { systemClock } from "../../../../proto/base/clock.js";
import { createLogger, silentLogger } from "../../../../proto/base/logger.js";
import type { ConsoleNotice } from "../../../../proto/gen/lab/v1/console.js";
import { openAgentLab } from "../../../support/agent/agent-lab.js";

const up: ConsoleNotice = { node: "p0", notice: { $case: "line", value: { state: "up", reason: "" } } };

t.test("a site agent is watched until its connection ends", async (t) => {
  const lab = await openAgentLab(t);
  const fake = await lab.agent("rack1");
  const agent = await lab.registry.reach("rack1");
  const notices: ConsoleNotice[] = [];
  let told = () => {};
  const first = new Promise<void>((resolve) => (told = resolve));
  const onNotice = (notice: ConsoleNotice) => {
    notices.push(notice);
    told();
  };
  const watching = watchConsoles(agent, { onNotice, clock: systemClock, logger: silentLogger });
  fake.notices?.offer(up);
  await first;
  await fake.stop();
  await watching;
  t.same(notices, [up]);
});

t.test("an old agent answers that it cannot be watched: said once, and left in peace", async (t) => {
  const lab = await openAgentLab(t);
  await lab.agent("rack1", (fake) => {
    fake.notices = undefined;
  });
  const file = join(t.testdirName, "controller.log");
  const logger = createLogger({ name: "test", level: "info", file });
  const agent = await lab.registry.reach("rack1");
  await watchConsoles(agent, { onNotice: () => t.fail("nothing can be told"), clock: systemClock, logger });
  const lines = readFileSync(file, "utf8").trim().split("\n");
  t.equal(lines.length, 1);
  t.match(lines[0], /"agent":"rack1".*too old/);
  t.match(await agent.console.listConsoles({}), { consoles: [] });
});
