/** What a proxy leaves in its working directory besides checkpoints: .status, .memory and .lock (facts: HEXO §3). */
import { appendFileSync, closeSync, openSync, rmSync, writeSync } from "node:fs";
import type { ToolCall } from "../tools/tool.js";
import { machineMs } from "../tools/surroundings.js";

export type ProxyStatus =
  | "STATUS_READY_FOR_MIGRATION"
  | "STATUS_CHECKPOINTING"
  | "STATUS_SERVING_REMOTE_PAGES"
  | "STATUS_RESTORING_CHKPT"
  | "STATUS_PULLING_PAGES"
  | "STATUS_NOT_RUNNING";

const lockPollMs = 100;

/** Appends a line `sec.usec:STATE`; the last state of a run is followed by "---". */
export function setStatus(call: ToolCall, status: ProxyStatus): void {
  const end = status === "STATUS_NOT_RUNNING" ? "---\n" : "";
  appendFileSync(call.machine.host(".status"), `${secondsAndMicros(call.now())}:${status}\n${end}`);
}

export function recordMemory(call: ToolCall, bytes: number): void {
  appendFileSync(call.machine.host(".memory"), `${secondsAndMicros(call.now())}:${Math.ceil(bytes / 1024)}\n`);
}

function secondsAndMicros(ms: number): string {
  const micros = Math.round((ms % 1000) * 1000);
  return `${Math.floor(ms / 1000)}.${String(micros).padStart(6, "0")}`;
}

/** Takes .lock, however long another has it, and says nothing. A killed proxy leaves its lock behind. Returns the way to give it back. */
export async function takeLock(call: ToolCall): Promise<() => void> {
  const file = call.machine.host(".lock");
  for (;;) {
    const descriptor = tryOpen(file);
    if (descriptor !== undefined) {
      writeSync(descriptor, "locked\n");
      closeSync(descriptor);
      return () => rmSync(file, { force: true });
    }
    await call.work(machineMs(call, lockPollMs));
  }
}

function tryOpen(file: string): number | undefined {
  try {
    return openSync(file, "wx", 0o644);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return undefined;
    throw error;
  }
}
