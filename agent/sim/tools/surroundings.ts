/** What a stand-in tool knows of the simulation it runs in: variables that every process of a simulated machine has. */
import type { ToolCall } from "./tool.js";

/** Names of the node's `sim.faults`, joined by commas. */
export const faultsVariable = "LABD_SIM_FAULTS";
/** Real-machine milliseconds per millisecond. */
export const speedUpVariable = "LABD_SIM_SPEED_UP";

type Environment = Pick<ToolCall, "env">;

/** Ways in which this machine misbehaves. */
export function faultsOf({ env }: Environment): ReadonlySet<string> {
  return new Set((env[faultsVariable] ?? "").split(",").filter((name) => name !== ""));
}

/** Milliseconds here that last as long as `machineMs` on the machine. */
export function machineMs({ env }: Environment, machineMs: number): number {
  const speedUp = Number(env[speedUpVariable] ?? "1");
  return machineMs / (speedUp > 0 ? speedUp : 1);
}
