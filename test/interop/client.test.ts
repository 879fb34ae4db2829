/** One suite of checks of our client over every BMC there is here: OpenIPMI's, pyghmi's and our own simulated one. */
import type { Socket } from "node:net";
import { clientChecks } from "../support/ipmi/client-checks.js";
import { ipmiSimMissing, startIpmiSim } from "../support/ipmi/ipmi-sim.js";
import { pyghmiMissing, startPyghmiBmc } from "../support/ipmi/pyghmi.js";
import { benchBmc, benchPassword, benchUser } from "../support/sim/bench-bmc.js";

const verbs: Readonly<Record<string, string>> = { "set power 1": "on", "set power 0": "off", "set reset 1": "reset" };

clientChecks({
  name: "OpenIPMI's ipmi_sim",
  missing: ipmiSimMissing,
  suites: [3],
  cycle: ["off", "on"],
  mayLearn: ["solpayloadsize"],
  async start(t) {
    const sim = await startIpmiSim(t.testdir());
    const executed = () => sim.powerCalls().map((call) => verbs[call] ?? call);
    return { ...ofSocket(sim.serial, sim.port), executed, stop: () => sim.stop() };
  },
});

clientChecks({
  name: "pyghmi's Bmc",
  missing: pyghmiMissing,
  suites: [3],
  cycle: ["cycle"],
  mayLearn: ["solpayloadsize", "solport"],
  async start() {
    const bmc = await startPyghmiBmc();
    return { ...ofSocket(bmc.serial, bmc.port), executed: () => bmc.executed(), stop: () => bmc.stop() };
  },
});

clientChecks({
  name: "the simulated BMC",
  missing: false,
  suites: [17, 3],
  cycle: ["cycle"],
  mayLearn: [],
  async start() {
    const bmc = await benchBmc();
    let typed = "";
    bmc.serial.onReceive((data) => (typed += Buffer.from(data).toString("latin1")));
    return {
      options: { address: bmc.server.address, port: bmc.server.port, user: benchUser, password: benchPassword },
      executed: () => bmc.executed,
      print: (text) => bmc.serial.transmit(Buffer.from(text)),
      typed: () => typed,
      stop: () => bmc.server.close(),
    };
  },
});

function ofSocket(serial: Socket, port: number) {
  let typed = "";
  serial.on("data", (data) => (typed += data.toString("latin1")));
  return {
    options: { address: "127.0.0.1", port, user: "admin", password: "secret" },
    print: (text: string) => void serial.write(text),
    typed: () => typed,
  };
}
