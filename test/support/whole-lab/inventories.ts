/** Inventories of simulated labs: BMCs on the given UDP ports of this host, machines that start without power. */

export type Inventory = (ports: readonly number[]) => string;

/** Name of the environment variable that holds the password of every BMC. */
export const passwordVariable = "LAB_TEST_BMC_PASSWORD";

const program = `
            import sys
            print("run " + sys.argv[1])`;

/** LegoOS with a storage manager on p0, m0, s0: deployment lego-1p1m1s. */
export const legoTriple: Inventory = ([p0, m0, s0]) => `
lab: triple
${common}
nodes:
  p0: { bmc: { address: 127.0.0.1, port: ${p0} }, sim: { lid: 42, post: 5, power: off } }
  m0: { bmc: { address: 127.0.0.1, port: ${m0} }, sim: { lid: 23, post: 5, power: off } }
  s0:
    bmc: { address: 127.0.0.1, port: ${s0} }
    sim:
      lid: 8
      post: 5
      power: off
      linux: 3.11.1
      files:
        /root/probe.py: |${program}
deployments:
  lego-1p1m1s:
    recipe: lego
    roles: { processor: p0, memory: m0, storage: s0 }
    with: { source: /root/LegoOS, memmap: 2G$4G, program: [/usr/bin/python, /root/probe.py, "{nonce}"] }
`;

/** LegoOS with the program in the memory manager's image, on p0 and m0: deployment lego-1p1m. */
export const legoPair: Inventory = ([p0, m0]) => `
lab: pair
${common}
nodes:
  p0: { bmc: { address: 127.0.0.1, port: ${p0} }, sim: { lid: 42, post: 5, power: off } }
  m0: { bmc: { address: 127.0.0.1, port: ${m0} }, sim: { lid: 23, post: 5, power: off } }
deployments:
  lego-1p1m:
    recipe: lego
    roles: { processor: p0, memory: m0 }
    with: { source: /root/LegoOS, memmap: 2G$4G }
`;

const common = `agents: { site: { site: true } }
defaults:
  bmc: { user: admin, password: { env: ${passwordVariable} } }
  console: { sol: {}, line: ttyS1, baud: 115200 }`;
