/** A lab of fake nodes, and controllers over it that can be killed: what a dead controller had under way never comes back to it. */
import { NotFoundError } from "../../../proto/base/errors.js";
import { silentLogger } from "../../../proto/base/logger.js";
import { RunRegistry } from "../../../controller/deploy/runs.js";
import type { Recipe } from "../../../controller/deploy/recipe.js";
import type { RunState } from "../../../controller/deploy/run-state.js";
import type { Journal, Leases, Nodes } from "../../../controller/ports.js";
import { SqliteLeases } from "../../../controller/leases/sqlite-leases.js";
import { openDatabase } from "../../../controller/records/database.js";
import type { DeploymentSpec, Lab, NodeSpec } from "../../../inventory/model.js";
import { FakeClock } from "../fake-clock.js";
import { FakeNode } from "./fake-node.js";
import { MemoryJournal } from "./memory-journal.js";
import { toyRecipe } from "./toy-recipe.js";

export function nodeSpec(name: string, change: Partial<NodeSpec> = {}): NodeSpec {
  return {
    name,
    arch: "x86_64",
    address: undefined,
    tags: [],
    bmc: undefined,
    power: { kind: "command", argv: ["plug", name], via: "rack1" },
    safety: { group: "", minOffS: 0, cyclesPerHour: 0, hold: "" },
    console: { kind: "serial", target: `/dev/${name}`, baudRate: 115_200, line: "ttyS1", via: "rack1" },
    agent: true,
    ssh: undefined,
    sim: {},
    ...change,
  };
}

export function deploymentSpec(change: Partial<DeploymentSpec> = {}): DeploymentSpec {
  return {
    name: "toy-1",
    recipe: "toy",
    roles: { server: ["a"], client: ["b"] },
    parameters: { source: "/src" },
    position: { line: 22, column: 3 },
    ...change,
  };
}

export function labOf(nodes: readonly NodeSpec[], deployments: readonly DeploymentSpec[]): Lab {
  return { name: "test", file: "lab.yaml", agents: [{ name: "rack1", site: true }], nodes, deployments, powerGroups: [] };
}

export const toyLab = labOf([nodeSpec("a"), nodeSpec("b")], [deploymentSpec()]);

export class FakeLab {
  readonly clock = new FakeClock();
  readonly nodes: Readonly<Record<string, FakeNode>>;
  readonly leases: Leases;
  journal: Journal = new MemoryJournal();
  lab: Lab = toyLab;
  recipes: ReadonlyMap<string, Recipe> = new Map([["toy", toyRecipe]]);
  #seed = 0;

  constructor(names: readonly string[] = ["a", "b"]) {
    this.nodes = Object.fromEntries(names.map((name) => [name, new FakeNode(name, this.clock)]));
    this.leases = new SqliteLeases(openDatabase(":memory:"), this.clock);
  }

  node(name: string): FakeNode {
    const node = this.nodes[name];
    if (node === undefined) throw new NotFoundError(`node ${name}: not in this test`);
    return node;
  }

  /** A controller; `sever` kills it: nothing it awaits ever comes, nothing it calls ever arrives. */
  async controller(journal: Journal = this.journal): Promise<{ runs: RunRegistry; sever: () => void }> {
    let severed = false;
    const cut = <T>(value: T): Promise<T> => (severed ? new Promise<T>(() => {}) : Promise.resolve(value));
    const nodes: Nodes = { node: (name) => severable(this.node(name), cut) };
    const leases = severable(this.leases, cut);
    const heads = await journal.runs();
    const random = (count: number) => new Uint8Array(count).fill((this.#seed += 1));
    const options = {
      lab: () => this.lab,
      recipes: this.recipes,
      journal: severable(journal, cut),
      clock: this.clock,
      agentsBackAtMs: this.clock.monotonicMs() + 20_000,
      leases,
      logger: silentLogger,
      nodes,
      random,
    };
    return { runs: new RunRegistry(options, heads), sever: () => void (severed = true) };
  }

  /** The toy system comes up when its machines are power cycled, and prints the nonce of the run. */
  bootsWell(nonce: () => string): void {
    for (const node of Object.values(this.nodes)) {
      node.onPower = () => {
        node.console?.lines("BIOS", "[    0.000000] toy version 7", "[   50.000000] toy: peers joined");
        if (node.name === "a") node.console?.lines("[   51.000000] STDOUT: ---[", `hello ${nonce()}`, "]---");
      };
    }
  }

  /** Lets time pass until the run has ended. */
  async untilEnded(runs: RunRegistry, id: string, limitMs = 600_000): Promise<RunState> {
    for (let passedMs = 0; passedMs <= limitMs; passedMs += 500) {
      const state = await runs.get(id);
      if (state.endedMs !== undefined) return state;
      await this.clock.advance(500);
    }
    throw new Error(
      `run ${id} has not ended within ${limitMs} ms: ${JSON.stringify(await runs.get(id), (_, value: unknown) => (typeof value === "bigint" ? String(value) : value))}`,
    );
  }
}

/** The same thing with every call passed through `cut`, before it arrives and before its answer is heard. */
function severable<T extends object>(target: T, cut: <V>(value: V) => Promise<V>): T {
  return new Proxy(target, {
    get: (object, key) => {
      const value = Reflect.get(object, key) as unknown;
      // Followers of a console cannot be cut off; what they see of it has no effect any more.
      if (key === "follow" && typeof value === "function") return value.bind(object) as unknown;
      if (typeof value === "object" && value !== null) return severable(value, cut);
      if (typeof value !== "function") return value;
      return async (...given: unknown[]) => cut(await (value as (...all: unknown[]) => unknown).apply(object, await cut(given)));
    },
  });
}
