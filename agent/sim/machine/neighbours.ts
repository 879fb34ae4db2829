/** The machines of a lab as they know of each other by the network: who answers at which address. Kept in Hardware.shared. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ToolReply, ToolRequest } from "../kernel.js";

export interface Neighbour {
  readonly node: string;
  /** Numeric or a name; undefined: no network. */
  readonly address: string | undefined;
  /** Of its sshd. */
  readonly sshPort: number;
  /** Who may log in. */
  readonly users: readonly string[];
  readonly rootDirectory: string;
  readonly faults: readonly string[];
  /** Whether power is on and Linux has come up. */
  isUp(): boolean;
  /** Asks the kernel that runs there. */
  ask(request: ToolRequest): Promise<ToolReply>;
}

const key = "neighbours";

export function announce(shared: Map<string, unknown>, neighbour: Neighbour): void {
  shared.set(key, [...neighbours(shared), neighbour]);
}

/** In the order of the inventory. */
export function neighbours(shared: ReadonlyMap<string, unknown>): readonly Neighbour[] {
  return (shared.get(key) as readonly Neighbour[] | undefined) ?? [];
}

/** A device that exists exactly while a Linux of this simulation is up. */
export function hasLinuxUp(rootDirectory: string): boolean {
  return existsSync(join(rootDirectory, "dev", "ttyS1"));
}
