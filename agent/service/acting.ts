/** What stands before every rpc that changes something. */
import { NotFoundError } from "../../proto/base/errors.js";
import type { Fence } from "../../proto/gen/lab/v1/common.js";

/** Resolves when the sender's lease still allows to act on the node. Throws ConflictError when it does not any more. */
export type RequireFence = (node: string, fence: Fence | undefined) => Promise<void>;

/** The one node an agent with node duty speaks for. */
export class OwnNode {
  readonly #name: string;
  readonly #requireFence: RequireFence;

  constructor(name: string, requireFence: RequireFence) {
    this.#name = name;
    this.#requireFence = requireFence;
  }

  /** Throws NotFoundError for a request about another node: the controller has mistaken connections. */
  check(node: string): void {
    if (node === this.#name) return;
    throw new NotFoundError(`node ${node}: this is the agent of ${this.#name}`, { facts: { node, agent: this.#name } });
  }

  /** As `check`, and throws ConflictError for a stale fence. */
  async mayAct(request: { readonly node: string; readonly fence: Fence | undefined }): Promise<void> {
    this.check(request.node);
    await this.#requireFence(request.node, request.fence);
  }
}
