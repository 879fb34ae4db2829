/** Sets a warden over the processes of simulated machines: they end with this process, whatever ends it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export interface Warding {
  /** Lets the warden do its work now, and waits until it is gone. Idempotent. */
  close(): Promise<void>;
}

/** `mark`: what the marks of all processes to end begin with. */
export function setWarden(mark: string): Warding {
  const program = fileURLToPath(new URL("./warden.js", import.meta.url));
  // A session of its own: Ctrl-C at the terminal must not end the warden before the others.
  const child = spawn(process.execPath, [program, mark], { stdio: ["pipe", "ignore", "inherit"], detached: true });
  const exited = once(child, "exit");
  return {
    async close() {
      child.stdin.end();
      await exited;
    },
  };
}
