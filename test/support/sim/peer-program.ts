/** Programs of others that talk to our simulated BMC, run to their end. */
import { execFile, spawn, spawnSync } from "node:child_process";
import { delimiter } from "node:path";

/** Debian keeps FreeIPMI's tools in sbin, which is not on everybody's PATH. */
const environment: NodeJS.ProcessEnv = { ...process.env, PATH: [process.env["PATH"] ?? "", "/usr/sbin"].join(delimiter), LC_ALL: "C" };

/** False when `program` is installed, else why the test is skipped and how to change that. */
export function missingProgram(program: string, debianPackage: string): string | false {
  const found = spawnSync("sh", ["-c", `command -v ${program}`], { env: environment, stdio: "ignore" }).status === 0;
  return found ? false : `${program} is not installed: apt-get install -y ${debianPackage}`;
}

export interface ProgramResult {
  readonly exitCode: number;
  /** Standard output and error as they came. */
  readonly output: string;
}

/** Runs a program, at most 20 seconds; killed, its exit code is -1. `secret` is given as IPMI_PASSWORD, not on the command line. */
export function runProgram(program: string, argv: readonly string[], secret: string): Promise<ProgramResult> {
  return new Promise((resolve) => {
    const env = { ...environment, IPMI_PASSWORD: secret };
    execFile(program, argv, { env, timeout: 20_000, killSignal: "SIGKILL" }, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      resolve({ exitCode, output: stdout + stderr });
    });
  });
}

export interface TerminalProgram {
  /** What it has printed so far. */
  output(): string;
  /** Resolves when it has printed something that matches. Throws after twenty seconds with what was seen. */
  printed(pattern: RegExp): Promise<void>;
  type(keys: string): void;
  /** Resolves with the exit code. Throws after twenty seconds. */
  ended(): Promise<number>;
  kill(): void;
}

/** Runs a shell command on a terminal of its own (util-linux `script`). */
export function runOnTerminal(command: string, secret: string): TerminalProgram {
  const child = spawn("script", ["-q", "-e", "-f", "-c", command, "/dev/null"], {
    env: { ...environment, IPMI_PASSWORD: secret },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString("latin1")));
  const exited = new Promise<number>((resolve) => child.on("close", (code) => resolve(code ?? -1)));
  const within = <T>(what: string, work: Promise<T>): Promise<T> => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`waited 20 s for ${what}; last seen: ${output.slice(-200)}`)), 20_000);
    });
    return Promise.race([work, late]).finally(() => clearTimeout(timer));
  };
  return {
    output: () => output,
    printed: (pattern) =>
      within(
        String(pattern),
        new Promise((resolve) => {
          const look = () => {
            if (!pattern.test(output)) return;
            child.stdout.off("data", look);
            resolve();
          };
          child.stdout.on("data", look);
          look();
        }),
      ),
    type: (keys) => void child.stdin.write(keys),
    ended: () => within("its end", exited),
    kill: () => void child.kill("SIGKILL"),
  };
}
