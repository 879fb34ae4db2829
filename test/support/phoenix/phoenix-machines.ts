/** Phoenix machines in this process, each with a deployment of its own; some misbehave. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Test } from "tap";
import type { Json, Recipe } from "../../../controller/deploy/recipe.js";
import type { RunState } from "../../../controller/deploy/run-state.js";
import { phoenix } from "../../../controller/recipes/phoenix/phoenix.js";
import { SimulatedLab } from "../simulated-lab/lab.js";

export interface PhoenixMachine {
  readonly faults?: readonly string[];
  /** Of its deployment. */
  readonly with?: Readonly<Record<string, Json>>;
  /** More of its `sim:` section. */
  readonly sim?: Readonly<Record<string, Json>>;
}

export class PhoenixMachines {
  readonly lab: SimulatedLab;

  private constructor(lab: SimulatedLab) {
    this.lab = lab;
  }

  /** All are up in Ubuntu's own kernel. Everything is gone when the test ends. */
  static async start(t: Test, machines: Readonly<Record<string, PhoenixMachine>>): Promise<PhoenixMachines> {
    return new PhoenixMachines(await SimulatedLab.start(t, inventory(machines), { speedUp: 100, workSpeedUp: 100 }));
  }

  deploy(name: string, recipe: Recipe = phoenix as Recipe): Promise<RunState> {
    return this.lab.run({ deployment: deploymentOf(name), direction: "deploy" }, recipe);
  }

  undeploy(name: string, recipe: Recipe = phoenix as Recipe): Promise<RunState> {
    return this.lab.run({ deployment: deploymentOf(name), direction: "undeploy" }, recipe);
  }

  exercise(name: string, request: Readonly<Record<string, Json>>, recipe: Recipe = phoenix as Recipe): Promise<RunState> {
    return this.lab.run({ deployment: deploymentOf(name), direction: "run", request }, recipe);
  }

  /** A file of a machine; undefined when it is not there. */
  read(name: string, path: string): string | undefined {
    const host = this.#host(name, path);
    return existsSync(host) ? readFileSync(host, "utf8") : undefined;
  }

  /** Somebody writes a file, or with undefined removes one. */
  write(name: string, path: string, contents: string | undefined): void {
    const host = this.#host(name, path);
    if (contents === undefined) return rmSync(host, { recursive: true, force: true });
    mkdirSync(dirname(host), { recursive: true });
    writeFileSync(host, contents);
  }

  #host(name: string, path: string): string {
    return join(this.lab.node(name).rootDirectory, path);
  }
}

/** A deployment's name may not be a node's. */
export function deploymentOf(machine: string): string {
  return `phoenix-${machine}`;
}

function inventory(machines: Readonly<Record<string, PhoenixMachine>>): string {
  const nodes = Object.entries(machines).map(([name, { faults = [], sim = {} }]) => [
    name,
    { power: { command: ["plug"] }, sim: { system: "phoenix", hca: false, post: 3, processors: 32, faults, ...sim } },
  ]);
  const deployments = Object.entries(machines).map(([name, machine]) => [
    deploymentOf(name),
    { recipe: "phoenix", roles: { node: name }, with: machine.with ?? {} },
  ]);
  return JSON.stringify({
    lab: "bench",
    agents: { site: { site: true } },
    defaults: { console: { file: "/dev/null", line: "ttyS1", via: "site" } },
    nodes: Object.fromEntries(nodes),
    deployments: Object.fromEntries(deployments),
  });
}
