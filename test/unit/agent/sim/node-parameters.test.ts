import t from "tap";
import { nodeParameters } from "../../../../agent/sim/node-parameters.js";

const known = { lego: [], hexo: ["finish-early", "kvm-denied"], phoenix: [], phos: [] };

t.test("faults are names the node's system knows", async (t) => {
  const [server] = nodeParameters([{ name: "x86", sim: { system: "hexo", faults: ["kvm-denied"] } }], known);
  t.same(server?.faults, ["kvm-denied"]);
  t.throws(() => nodeParameters([{ name: "x86", sim: { system: "hexo", faults: ["late", "finish-early"] } }], known), {
    message: "nodes.x86.sim.faults: late is none of hexo's; there are finish-early kvm-denied",
  });
  t.throws(() => nodeParameters([{ name: "p0", sim: { faults: ["late"] } }], known), { message: /late is none of lego's; there are none/ });
});
