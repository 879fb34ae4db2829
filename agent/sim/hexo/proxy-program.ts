/**
 * The stand-in proxy as one executable file, dist/hexo-proxy.cjs: `proxy PROGRAM [ARGUMENT…]` on a real machine of either architecture
 * that has Node 16.20 or newer. Paths are the machine's own; with LABD_SIM_ROOT they are below that directory. LABD_SIM_KVM: a file in
 * place of /dev/kvm, where there is none.
 */
import { writeFileSync } from "node:fs";
import { systemClock, sleep } from "../../../proto/base/clock.js";
import { describeError } from "../../../proto/base/errors.js";
import { MachineView } from "../tools/machine-view.js";
import { defaultDisposition } from "../tools/signals.js";
import { proxyFor } from "./proxy.js";

const architecture = process.arch === "arm64" ? "aarch64" : "x86_64";

async function main(argv: readonly string[]): Promise<number> {
  defaultDisposition("SIGUSR1");
  // What pgrep looks at; Node's own name would hide it.
  writeFileSync("/proc/self/comm", "proxy");
  const rootDirectory = process.env["LABD_SIM_ROOT"] ?? "/";
  const machine = new MachineView({
    rootDirectory,
    cwd: rootDirectory === "/" ? process.cwd() : MachineView.ofProcess(process.env, process.cwd()).cwd,
    ask: () => Promise.resolve({ exitCode: 0, stdout: `${architecture}\n` }),
  });
  return proxyFor(architecture)({
    argv,
    machine,
    now: () => systemClock.now(),
    work: (milliseconds) => sleep(systemClock, milliseconds),
    stdin: () => Promise.resolve(""),
    env: process.env,
    onSignal: (signal, handler) => void process.on(signal, handler),
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
  });
}

main(process.argv.slice(2)).then(
  (exitCode) => {
    process.exitCode = exitCode;
  },
  (error: unknown) => {
    process.stderr.write(`proxy: ${describeError(error)}\n`);
    process.exitCode = 126;
  },
);
