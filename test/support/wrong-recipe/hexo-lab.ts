/** An x86 machine and a board in one process, for deployment after deployment of HEXO. */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import type { Test } from "tap";
import type { Tool } from "../../../agent/sim/tools/tool.js";
import type { Direction, Json, Recipe } from "../../../controller/deploy/recipe.js";
import type { RunState } from "../../../controller/deploy/run-state.js";
import { SimulatedLab } from "../simulated-lab/lab.js";

const fence = { leaseId: "", epoch: 0n };

export interface HexoMachines {
  /** `sim.faults` of each. */
  readonly x86Faults?: readonly string[];
  readonly boardFaults?: readonly string[];
  readonly boardMemory?: string;
  /** Of the board, as `ssh:` has it; "agent": it has one of its own. */
  readonly boardReach?: "ssh" | "agent";
  readonly with?: Readonly<Record<string, Json>>;
  readonly speedUp?: number;
  /** Programs on both machines beyond those of the simulation. */
  readonly tools?: Readonly<Record<string, Tool>>;
}

/** What a pause of the recipe, which takes real time, leaves enough of: an application of a minute, three seconds here. */
export const bySignal = { request: "signal", migtest: 1, class: "C" } as const;

/** Both on loopback, the board's sshd elsewhere: what pulls pages must reach what serves them. */
function inventory({
  x86Faults = [],
  boardFaults = [],
  boardMemory = "4G",
  boardReach = "ssh",
  with: parameters = {},
}: HexoMachines): string {
  const reach = boardReach === "ssh" ? "agent: false, ssh: { via: x0, user: root }, " : "";
  return `
lab: bench
agents: { site: { site: true } }
nodes:
  x0: { address: 127.0.0.1, sim: { system: hexo, post: 3, memory: 8G, faults: ${JSON.stringify(x86Faults)} } }
  potato0: { arch: aarch64, address: 127.0.0.2, ${reach}sim: { system: hexo, post: 3, memory: ${boardMemory}, faults: ${JSON.stringify(boardFaults)} } }
deployments:
  pair:
    recipe: hexo
    roles: { x86: x0, board: potato0 }
    with: ${JSON.stringify({ mem: "1G", class: "B", migtest: 5, ...parameters })}
`;
}

export class HexoLab {
  readonly lab: SimulatedLab;

  private constructor(lab: SimulatedLab) {
    this.lab = lab;
  }

  /** Everything is gone when the test ends. */
  static async start(t: Test, machines: HexoMachines = {}): Promise<HexoLab> {
    return new HexoLab(await SimulatedLab.start(t, inventory(machines), { speedUp: machines.speedUp ?? 20, tools: machines.tools ?? {} }));
  }

  run(
    direction: Direction,
    recipe: Recipe,
    more: { with?: Readonly<Record<string, Json>>; exercise?: string; request?: Readonly<Record<string, Json>> } = {},
  ): Promise<RunState> {
    const { with: parameters = {}, ...request } = more;
    return this.lab.run({ deployment: "pair", direction, parameters, ...request }, recipe);
  }

  /** Proxies that run on a machine. */
  async proxies(node: string): Promise<number> {
    const argv = ["pgrep", "-a", "-x", "proxy"];
    const { stdout } = await this.lab.node(node).run({ jobId: randomUUID(), argv, cwd: "", env: {}, timeoutMs: 5000 }, { fence });
    return stdout.split("\n").filter((line) => line !== "").length;
  }

  /** Machines share this host's ports. */
  async freePort(): Promise<number> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    server.close();
    return port;
  }
}
