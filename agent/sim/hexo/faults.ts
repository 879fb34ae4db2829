/** How a HEXO machine can misbehave: names for `sim.faults` (docs/simulation.md says what each does). */
import type { ToolCall } from "../tools/tool.js";
import { faultsOf } from "../tools/surroundings.js";

export const hexoFaults = [
  // the machine
  "kvm-absent",
  "kvm-denied",
  "foreign-proxy",
  // toolchain and build
  "no-toolchain",
  "partial-toolchain",
  "build-fails",
  "misaligned",
  // the proxy
  "never-ready",
  "finish-early",
  "no-migration-point",
  "guest-halts",
  "verification-fails",
  "slow-checkpoint",
  "mdata-early",
  "restart-at-one",
  "client-exits",
  // between the machines
  "ssh-refused",
  "old-rsync",
  "corrupt-transfer",
] as const;

export type HexoFault = (typeof hexoFaults)[number];

export function has(call: Pick<ToolCall, "env">, fault: HexoFault): boolean {
  return faultsOf(call).has(fault);
}
