/** Which agent answers for what of a node: its own agent, or the one that reaches it by ssh, for what runs on it, a site agent for power and console. */
import { powerAgent, type Lab, type NodeSpec } from "../../inventory/model.js";
import { nearest } from "../../inventory/nearest.js";
import { NotFoundError, UnsupportedError } from "../../proto/base/errors.js";
import type { AgentConnection } from "./agent-connection.js";
import type { AgentRegistry } from "./registry.js";

interface Waiting {
  readonly signal?: AbortSignal | undefined;
}

export class Routes {
  readonly lab: Lab;
  readonly #registry: AgentRegistry;
  readonly #nodes: ReadonlyMap<string, NodeSpec>;

  constructor(lab: Lab, registry: AgentRegistry) {
    this.lab = lab;
    this.#registry = registry;
    this.#nodes = new Map(lab.nodes.map((node) => [node.name, node]));
  }

  /** Throws NotFoundError with the nearest name. */
  spec(node: string): NodeSpec {
    const spec = this.#nodes.get(node);
    if (spec !== undefined) return spec;
    const near = nearest(node, this.#nodes.keys());
    throw new NotFoundError(`node "${node}": not in lab ${this.lab.name}${near === undefined ? "" : `; did you mean "${near}"?`}`, {
      facts: { node },
    });
  }

  /** True while the agent that runs the node's commands is connected: its own, or the one that reaches it by ssh. */
  isUp(node: string): boolean {
    return this.#registry.connected(this.#nodes.get(node)?.ssh?.via ?? node) !== undefined;
  }

  /**
   * The agent that runs the node's commands. Throws UnsupportedError when the inventory says there is none, UnreachableError after a
   * short wait.
   */
  async own(node: string, options?: Waiting): Promise<AgentConnection> {
    const { agent, ssh } = this.spec(node);
    if (ssh !== undefined) return this.#registry.reach(ssh.via, options);
    if (!agent) {
      throw new UnsupportedError(`node ${node}: the inventory says no agent runs on it; give it ssh: { via: … } to reach it from another`, {
        facts: { node },
      });
    }
    return this.#registry.reach(node, options);
  }

  /** The agent that switches the node's power. Throws UnsupportedError when nothing can. */
  async power(node: string, options?: Waiting): Promise<AgentConnection> {
    const via = powerAgent(this.spec(node));
    if (via === undefined) {
      throw new UnsupportedError(`node ${node}: the inventory gives it neither a bmc nor another way to switch it (power:)`, {
        facts: { node },
      });
    }
    return this.#registry.reach(via, options);
  }

  /** True while the agent that switches the node's power is connected. */
  canSwitch(node: string): boolean {
    const via = powerAgent(this.spec(node));
    return via !== undefined && this.#registry.connected(via) !== undefined;
  }

  /** The agent that captures the node's console. Throws UnsupportedError when it has none. */
  async console(node: string, options?: Waiting): Promise<AgentConnection> {
    const { console } = this.spec(node);
    if (console === undefined) throw new UnsupportedError(`node ${node}: the inventory gives it no console`, { facts: { node } });
    return this.#registry.reach(console.via, options);
  }

  /** Word of the site agent of a console that goes away and comes back: see `AgentRegistry.absences`. */
  absences(agent: string, options: { signal: AbortSignal }): AsyncGenerator<boolean, never, undefined> {
    return this.#registry.absences(agent, options);
  }

  /** Site agents that capture consoles and are connected now. */
  connectedSites(): readonly AgentConnection[] {
    const sites = new Set(this.lab.nodes.flatMap((node) => node.console?.via ?? []));
    return [...sites].flatMap((name) => this.#registry.connected(name) ?? []);
  }
}
