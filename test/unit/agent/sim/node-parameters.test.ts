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

t.test("a board is smaller than a server, unless it says otherwise", async (t) => {
  const [server, board, big] = nodeParameters(
    [
      { name: "x86", arch: "x86_64", sim: {} },
      { name: "board", arch: "aarch64", sim: {} },
      { name: "big", arch: "aarch64", sim: { memory: "8G", hca: true } },
    ],
    known,
  );
  t.match(server, { processors: 12, memory: 64 * 2 ** 30, hca: true, linux: "3.10.0-327.el7.x86_64" });
  t.match(board, { processors: 4, memory: 2 * 2 ** 30, hca: false, linux: "6.1.0-18-arm64" });
  t.match(big, { memory: 8 * 2 ** 30, hca: true });
});
