/** A Shell without ssh: scripts run here, by a shell of the test's choice, with a home of the test's. */
import { spawn } from "node:child_process";
import type { Shell } from "../../../agent/ssh/shell/shell.js";

export function localShell(home: string, options: { program?: readonly string[]; env?: Readonly<Record<string, string>> } = {}): Shell {
  const [program = "/bin/sh", ...args] = options.program ?? ["/bin/sh"];
  return {
    label: "local shell",
    async open(script) {
      const env = { PATH: process.env["PATH"] ?? "/usr/bin:/bin", HOME: home, ...options.env };
      const child = spawn(program, [...args, "-c", script], { env, cwd: "/", stdio: "pipe" });
      const ended = new Promise<number | undefined>((resolve) =>
        child.once("exit", (code) => resolve(code ?? 255)).once("error", () => resolve(127)),
      );
      return { stdin: child.stdin, stdout: child.stdout, stderr: child.stderr, ended, destroy: () => void child.kill("SIGKILL") };
    },
  };
}
