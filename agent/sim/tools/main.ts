/** One program that is every stand-in tool: `main.js TOOL ARGUMENT…`, started by the launchers installTools writes. */
import { systemClock, sleep } from "../../../proto/base/clock.js";
import { describeError } from "../../../proto/base/errors.js";
import { MachineView } from "./machine-view.js";
import type { ToolCall } from "./tool.js";
import { tools } from "./tools.js";

async function main([name = "", ...argv]: readonly string[]): Promise<number> {
  const tool = tools[name];
  if (tool === undefined) {
    process.stderr.write(`${name}: command not found\n`);
    return 127;
  }
  const call: ToolCall = {
    argv,
    machine: MachineView.ofProcess(process.env, process.cwd()),
    now: () => systemClock.now(),
    work: (milliseconds) => sleep(systemClock, milliseconds),
    stdin: readStdin,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
  };
  return tool(call);
}

async function readStdin(): Promise<string> {
  if (process.stdin.isTTY) return "";
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks).toString("utf8");
}

main(process.argv.slice(2)).then(
  (exitCode) => {
    process.exitCode = exitCode;
  },
  (error: unknown) => {
    process.stderr.write(`${process.argv[2] ?? "tool"}: ${describeError(error)}\n`);
    process.exitCode = 126;
  },
);
