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

t.test("faults of a BMC are read, and every one that is none is told at once, with what was probably meant", async (t) => {
  const [p0] = nodeParameters(
    [{ name: "p0", sim: { bmcFaults: ["drop", "delay=300ms", "steal-sol=3", "not-supported=get-device-id"] } }],
    known,
  );
  t.same(
    p0?.bmcFaults.map((each) => each.text),
    ["drop=20%", "delay=300ms", "steal-sol=3", "not-supported=get-device-id"],
  );
  t.throws(
    () =>
      nodeParameters(
        [
          { name: "p0", sim: { bmcFaults: ["dorp", "delay=soon", "drop=120%", "no-close-reply=1"] } },
          { name: "p1", sim: { bmcFaults: ["not-supported=chassis-kontrol", "lie-on-deactivate=never", "session-limit=64"] } },
        ],
        known,
      ),
    {
      message: [
        'nodes.p0.sim.bmcFaults.0: "dorp" is no fault of a simulated BMC; did you mean drop?',
        'nodes.p0.sim.bmcFaults.1: BMC fault delay: "soon" is not a time up to an hour: 300ms, 5s, 2min',
        'nodes.p0.sim.bmcFaults.2: BMC fault drop: "120%" is not a share from 0% to 100%',
        "nodes.p0.sim.bmcFaults.3: BMC fault no-close-reply: takes no value; write no-close-reply",
        'nodes.p1.sim.bmcFaults.0: BMC fault not-supported: "chassis-kontrol" is no command of the tables; did you mean chassis-control?',
        'nodes.p1.sim.bmcFaults.1: BMC fault lie-on-deactivate: "never" is not one of done, inactive',
        'nodes.p1.sim.bmcFaults.2: BMC fault session-limit: "64" is not a number of slots from 0 to 63',
      ].join("\n"),
    },
  );
});
