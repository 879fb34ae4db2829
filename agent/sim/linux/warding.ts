/** Sets a warden over what simulated machines leave on the host: it ends with this process, whatever ends it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export interface Warding {
  /** Lets the warden do its work now, and waits until it is done. Idempotent. */
  close(): Promise<void>;
}

/** `mark`: what the marks of all processes to end begin with; `directory` is removed after them. */
export function setWarden(mark: string, directory: string): Warding {
  const program = fileURLToPath(new URL("./warden.js", import.meta.url));
  // A session of its own: Ctrl-C at the terminal must not end the warden before the others.
  const child = spawn(process.execPath, [program, mark, directory], { stdio: ["pipe", "ignore", "inherit"], detached: true });
  const exited = once(child, "exit");
  return {
    async close() {
      child.stdin.end();
      await exited;
    },
  };
}
