/** `ssh [OPTION…] [USER@]HOST COMMAND…`: runs stand-in tools on another simulated machine. Exit code 255 is ssh's own. */
import { basename } from "node:path";
import { launchedTool } from "../tools/launcher.js";
import type { Tool, ToolCall } from "../tools/tool.js";
import { logIn, parseSsh } from "./login.js";

export type FindTool = (name: string) => Tool | undefined;

export function ssh(findTool: FindTool): Tool {
  return async (call) => {
    if (call.argv.includes("-V")) {
      call.err("OpenSSH_7.4p1 Debian-10+deb9u7, OpenSSL 1.0.2u\n");
      return 0;
    }
    const parsed = parseSsh(call.argv);
    if (parsed === undefined) {
      call.err("usage: ssh [-p port] [user@]hostname [command]\n");
      return 255;
    }
    const remote = await logIn(call, parsed.destination);
    return remote === undefined ? 255 : runCommandLine(remote, parsed.command.join(" "), findTool);
  };
}

/** As much of a login shell as is needed: words and quotes, `;` and `&&`, assignments before a command, cd, pwd, echo, exit. */
export async function runCommandLine(call: ToolCall, line: string, findTool: FindTool): Promise<number> {
  let here = call;
  let exitCode = 0;
  let isSkipped = false;
  for (const { words, operator } of commands(line)) {
    if (!isSkipped) {
      const change = words[0] === "cd" ? here.machine.from(words[1] ?? "/root") : undefined;
      if (words[0] === "exit") return Number(words[1] ?? exitCode);
      if (change === undefined) exitCode = await runWords(here, words, findTool);
      else if (change.exists(".")) here = { ...here, machine: change };
      else exitCode = 1;
    }
    isSkipped = operator === "&&" ? exitCode !== 0 : operator === "||" ? exitCode === 0 : false;
  }
  return exitCode;
}

async function runWords(call: ToolCall, words: readonly string[], findTool: FindTool): Promise<number> {
  const start = words.findIndex((word) => !/^\w+=/.test(word));
  if (start < 0) return 0;
  const env = { ...call.env };
  for (const assignment of words.slice(0, start)) env[assignment.split("=")[0] ?? ""] = assignment.slice(assignment.indexOf("=") + 1);
  const [program = "", ...argv] = words.slice(start);
  if (program === "true" || program === ":") return 0;
  if (program === "false") return 1;
  if (program === "pwd" || program === "echo") {
    call.out(`${program === "pwd" ? call.machine.cwd : argv.join(" ")}\n`);
    return 0;
  }
  const tool = findTool((program.includes("/") ? launchedTool(call.machine.read(program)) : undefined) ?? basename(program));
  if (tool !== undefined && (!program.includes("/") || call.machine.exists(program))) return tool({ ...call, env, argv });
  call.err(`bash: ${program}: ${program.includes("/") ? "No such file or directory" : "command not found"}\n`);
  return 127;
}

interface Command {
  readonly words: readonly string[];
  readonly operator: string;
}

function commands(line: string): readonly Command[] {
  const found: { words: string[]; operator: string }[] = [{ words: [], operator: "" }];
  for (const [token, single, double] of line.matchAll(/&&|\|\||;|(?:'([^']*)'|"([^"]*)"|[^\s;&|'"]+)+/g)) {
    const last = found.at(-1);
    if (/^(?:&&|\|\||;)$/.test(token)) {
      if (last !== undefined) last.operator = token;
      found.push({ words: [], operator: "" });
    } else last?.words.push(single ?? double ?? token.replace(/['"]/g, ""));
  }
  return found.filter(({ words }) => words.length > 0);
}
