#!/usr/bin/env node
/** `lab`: reads the command line, runs one command, leaves with an exit code that means something. */
import { setMaxListeners } from "node:events";
import { readFileSync } from "node:fs";
import { CommanderError } from "commander";
import { systemClock } from "../../proto/base/clock.js";
import { describeError, LabError } from "../../proto/base/errors.js";
import type { Context } from "./context.js";
import { exitCodeOf, exitCodes } from "../../proto/base/exit-code.js";
import { listenForInterrupts } from "./interrupts.js";
import { toJson } from "./json.js";
import { labDirectory } from "./lab-directory.js";
import { buildProgram, type GlobalOptions } from "./program.js";
import { processTerminal } from "./terminal.js";

const packageFile = new URL("../../../package.json", import.meta.url);

export async function main(argv: readonly string[]): Promise<number> {
  const { version } = JSON.parse(readFileSync(packageFile, "utf8")) as { version: string };
  let code: number = exitCodes.done;
  const program = buildProgram(async (work, globals) => {
    code = await runCommand(work, globals);
  }, version);
  try {
    await program.parseAsync([...argv], { from: "user" });
    return code;
  } catch (error) {
    // commander has printed what is wrong, or the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    throw error;
  }
}

async function runCommand(work: (context: Context) => Promise<void> | void, globals: GlobalOptions): Promise<number> {
  const terminal = processTerminal({ colour: globals.color, env: process.env });
  const interrupts = listenForInterrupts(process);
  // As many calls listen as there are nodes: no leak.
  setMaxListeners(0, interrupts.signal);
  const context: Context = {
    terminal,
    clock: systemClock,
    env: process.env,
    directory: labDirectory(process.env, globals.dir),
    json: globals.json,
    signal: interrupts.signal,
  };
  try {
    await work(context);
    return exitCodes.done;
  } catch (error) {
    if (error instanceof CommanderError) throw error;
    if (globals.json) terminal.print(toJson({ error: describeError(error), code: error instanceof LabError ? error.code : "internal" }));
    else {
      const words =
        error instanceof LabError ? describeError(error) : error instanceof Error ? (error.stack ?? error.message) : String(error);
      // A list of places keeps its columns: no name before the first.
      terminal.note(words.includes("\n") ? words : `${terminal.style.red("lab:")} ${words}`);
    }
    return exitCodeOf(error);
  } finally {
    interrupts.close();
  }
}

// A reader that has seen enough (lab tail | head) is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? exitCodes.done : exitCodes.failed));

const code = await main(process.argv.slice(2));
process.exit(code);
