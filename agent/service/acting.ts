/** What stands before every rpc about a node, and what a node is made of here. */
import { NotFoundError } from "../../proto/base/errors.js";
import type { Fence } from "../../proto/gen/lab/v1/common.js";
import type { BootLoader } from "../ports/boot.js";
import type { Commands } from "../ports/command.js";
import type { Machine } from "../ports/facts.js";
import type { Files } from "../ports/files.js";

/** Resolves when the sender's lease still allows to act on the node. Throws ConflictError when it does not any more. */
export type RequireFence = (node: string, fence: Fence | undefined) => Promise<void>;

/** One machine as its agent acts on it, be it the one it runs on or one it reaches by ssh. */
export interface OperatedNode {
  readonly commands: Commands;
  readonly files: Files;
  readonly machine: Machine;
  /** Undefined where its boot loader cannot be reached. */
  readonly loader: BootLoader | undefined;
}

/** The nodes an agent speaks for: its own with node duty, and those it is to reach by ssh. */
export class OperatedNodes {
  readonly #agent: string;
  readonly #requireFence: RequireFence;
  readonly #nodes = new Map<string, OperatedNode>();

  constructor(agent: string, requireFence: RequireFence) {
    this.#agent = agent;
    this.#requireFence = requireFence;
  }

  set(name: string, node: OperatedNode): void {
    this.#nodes.set(name, node);
  }

  delete(name: string): void {
    this.#nodes.delete(name);
  }

  has(name: string): boolean {
    return this.#nodes.has(name);
  }

  find(name: string): OperatedNode | undefined {
    return this.#nodes.get(name);
  }

  /** Throws NotFoundError for a request about another node: the controller has mistaken connections. */
  get(name: string): OperatedNode {
    const node = this.#nodes.get(name);
    if (node !== undefined) return node;
    throw new NotFoundError(`node ${name}: this is the agent of ${this.#agent}`, { facts: { node: name, agent: this.#agent } });
  }

  /** As `get`, and throws ConflictError for a stale fence. */
  async forActing(request: { readonly node: string; readonly fence: Fence | undefined }): Promise<OperatedNode> {
    const node = this.get(request.node);
    await this.#requireFence(request.node, request.fence);
    return node;
  }
}
