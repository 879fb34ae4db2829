/** A system that simulated machines can be furnished for: what is on their disks, which tools and kernels they have. */
import type { NodeSpec } from "../../inventory/model.js";
import type { KernelKind, ToolHandlers } from "./kernel.js";
import type { NodeParameters } from "./node-parameters.js";
import type { Tool } from "./tools/tool.js";

export interface SimulatedSystem {
  /** Stand-in tools beyond those of every Linux, by the name they are called by; one of the same name takes the place of theirs. */
  readonly tools: Readonly<Record<string, Tool>>;
  /** Where a tool is found when that is not on the PATH: { installkernel: "/sbin/installkernel" }; "" = `furnish` lays it down. */
  readonly toolPaths?: Readonly<Record<string, string>>;
  /** Kernels its machines can boot besides Linux. */
  readonly kinds: readonly KernelKind[];
  /** What a running Linux answers its tools besides what every Linux does. */
  readonly handlers: ToolHandlers;
  /** Names a node's `sim.faults` may have: how its machines can misbehave. Tools read them by `faultsOf`. */
  readonly faults?: readonly string[];
  /** Lays its files into a machine's root directory; what is there already stays as it was left. */
  furnish(rootDirectory: string, machine: { readonly spec: NodeSpec; readonly parameters: NodeParameters }): Promise<void>;
}
