import t from "tap";
import { UnreachableError } from "../../../../proto/base/errors.js";
import { clientOf } from "../../../../proto/rpc/client.js";
import { PowerServiceService } from "../../../../proto/gen/lab/v1/power.js";
import { FakeClock } from "../../../support/fake-clock.js";
import { openAgentLab } from "../../../support/agent/agent-lab.js";

t.test("a site agent is told what to look after before it is used", async (t) => {
  const lab = await openAgentLab(t);
  const rack1 = await lab.agent("rack1");
  await lab.registry.reach("rack1");
  t.same(
    rack1.assignment?.nodes.map(({ node, bmc, console }) => [node, bmc?.address, console?.kind, console?.line]),
    [
      ["p0", "10.0.1.10", "sol", "ttyS1"],
      ["m0", "10.0.1.11", "sol", "ttyS1"],
    ],
  );
  t.same(lab.events, ["connected rack1"]);
});

t.test("a call waits for an agent that is on its way", async (t) => {
  const lab = await openAgentLab(t);
  const reaching = lab.registry.reach("p0");
  await lab.agent("p0");
  t.equal((await reaching).description.name, "p0");
});

t.test("an agent that does not come is unreachable after the wait, and the error says what to check", async (t) => {
  const clock = new FakeClock();
  const lab = await openAgentLab(t, { clock, reconnectMs: 10_000 });
  const outcome = lab.registry.reach("p0").catch((error: unknown) => error);
  await clock.advance(10_000);
  const error = (await outcome) as UnreachableError;
  t.type(error, UnreachableError);
  t.match(error.message, /agent p0: not connected \(waited 10 s\); check that p0 is up .* lab-agent runs there/);
  t.same(error.facts, { agent: "p0" });
  t.equal(clock.pendingTimers, 0);
});

t.test("a caller that loses patience stops waiting at once", async (t) => {
  const clock = new FakeClock();
  const lab = await openAgentLab(t, { clock });
  const stop = new AbortController();
  const outcome = lab.registry.reach("p0", { signal: stop.signal }).catch((error: unknown) => error);
  stop.abort(new Error("enough"));
  t.match(await outcome, { code: "cancelled", cause: { message: "enough" } });
  t.equal(clock.pendingTimers, 0);
});

t.test("a name the inventory does not know is not let in, certificate or not", async (t) => {
  const lab = await openAgentLab(t);
  await lab.agent("ghost");
  await lab.agent("p0");
  await lab.registry.reach("p0");
  t.equal(lab.registry.connected("ghost"), undefined);
  t.equal(lab.registry.connected("board"), undefined);
});

t.test("a newer connection of a name replaces the older one, without a moment of absence", async (t) => {
  const lab = await openAgentLab(t);
  await lab.agent("p0");
  const first = await lab.registry.reach("p0");
  const second = await lab.agent("p0");
  await first.channel.closed;
  const now = await lab.registry.reach("p0");
  t.not(now, first);
  t.notOk(lab.events.includes("lost p0"));
  await second.stop();
});

t.test("a lost agent is missed, and greeted when it is back", async (t) => {
  const lab = await openAgentLab(t);
  await lab.agent("p0");
  const first = await lab.registry.reach("p0");
  first.channel.close();
  await first.channel.closed;
  t.equal(lab.registry.connected("p0"), undefined);
  const second = await lab.registry.reach("p0");
  t.match(await clientOf(PowerServiceService, second.channel).getPower({ node: "p0" }), { state: "off" });
  t.same(lab.events, ["connected p0", "lost p0", "connected p0"]);
});

t.test("a stopping controller turns waiting callers away", async (t) => {
  const lab = await openAgentLab(t);
  const outcome = lab.registry.reach("p0").catch((error: unknown) => error);
  lab.registry.close();
  t.match(await outcome, { code: "unreachable", message: /stopping/ });
  await t.rejects(lab.registry.reach("p0"), { message: /stopping/ });
});
