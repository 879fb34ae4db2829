/** Hands on the board by the system's ssh: another way than the one that is tested. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Test } from "tap";
import { FailedError } from "../../../proto/base/errors.js";
import type { Hands } from "../host/hands.js";
import { until } from "../host/processes.js";
import type { Board } from "./board.js";
import { programEnd } from "./program.js";

/** One connection for all, until the test ends: a key exchange takes half a second on the board. */
export async function boardHands(t: Test, board: Board): Promise<Hands> {
  const socket = join(board.sshConfig, "../hands");
  const shared = ["-F", board.sshConfig, "-o", `ControlPath=${socket}`];
  const connection = spawn("ssh", [...shared, "-M", "-N", "board"], { stdio: "ignore" });
  t.teardown(() => connection.kill("SIGKILL"));
  await until(() => existsSync(socket), "a shared connection to the board");
  const run = (script: string) => programEnd(["ssh", ...shared, "board", script]);
  const must = async (script: string): Promise<string> => {
    const { code, stdout, stderr } = await run(script);
    if (code !== 0) throw new FailedError(`board: ${script}: exit code ${code}: ${stderr.trim()}`);
    return stdout;
  };
  return {
    node: "/usr/bin/node",
    directory: async (t) => {
      const path = (await must("mktemp -d")).trim();
      t.teardown(() => run(`rm -rf ${path}`));
      return path;
    },
    exists: async (path) => (await run(`test -e ${word(path)}`)).code === 0,
    read: (path) => must(`cat ${word(path)}`),
    write: async (path, text, mode = 0o644) => {
      await must(`printf %s ${word(text)} > ${word(path)} && chmod ${mode.toString(8)} ${word(path)}`);
    },
    makeDirectory: async (path) => {
      await must(`mkdir ${word(path)}`);
    },
    list: async (path) => (await must(`find ${word(path)} -mindepth 1 -maxdepth 1 -printf '%f\\0'`)).split("\0").slice(0, -1),
    link: async (target, path) => {
      await must(`ln -s ${word(target)} ${word(path)}`);
    },
    linkTarget: async (path) => (await must(`readlink ${word(path)}`)).trimEnd(),
    runs: async (pid) => (await run(`grep -q '^State:[[:space:]]*[^Z]' /proc/${pid}/status`)).code === 0,
    kill: async (pid, signal) => {
      await must(`kill -${signal.replace(/^SIG/, "")} ${pid}`);
    },
  };
}

function word(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
