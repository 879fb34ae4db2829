/** Ways in which a Phoenix machine misbehaves: names for `sim.faults`. */
import type { ToolCall } from "../tools/tool.js";
import { faultsOf } from "../tools/surroundings.js";

export const phoenixFaults = [
  // The machine as it is found.
  "secure-boot",
  "small-disk",
  "sudo-asks",
  "boot-on-lvm",
  "no-network",
  // Scripts.
  "submodule-missing",
  "apt-fails",
  "pip-fails",
  "kernel-build-fails",
  "kernel-leaves-no-package",
  "glibc-fails",
  "userlib-fails",
  "compiler-fails",
  "criu-fails",
  "redis-build-fails",
  // The kernel that was built.
  "kernel-hangs",
  "kernel-panics",
  "kernel-lacks-calls",
  // Experiments.
  "redis-stays-down",
  "redis-left-running",
  "criu-restore-fails",
] as const;

export type PhoenixFault = (typeof phoenixFaults)[number];

export function hasFault(call: ToolCall, fault: PhoenixFault): boolean {
  return faultsOf(call).has(fault);
}
