/** How make gives up. */
import type { ToolCall } from "./tool.js";

/** Prints make's last line; the result is its exit code, 2. */
export function stop(call: ToolCall, message: string): number {
  call.err(`make: *** ${message}\n`);
  return 2;
}

export function noRule(target: string): string {
  return `No rule to make target \`${target}'.  Stop.`;
}
