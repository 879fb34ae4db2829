/** `lab` before a real controller in this process whose deployments are those of a lab of fake nodes. */
import type { Test } from "tap";
import { join } from "node:path";
import { createDeploymentService } from "../../../controller/api/deployment-service.js";
import { labDirectory } from "../../../controller/cli/lab-directory.js";
import { buildProgram } from "../../../controller/cli/program.js";
import { plainStyle, type Terminal } from "../../../controller/cli/terminal.js";
import { systemClock } from "../../../proto/base/clock.js";
import { startTestController } from "../agent/test-controller.js";
import type { FakeLab } from "./fake-lab.js";

/** Of real time: a command line that ends never is told, not waited for. */
const withinMs = 60_000;

export interface Typed {
  /** Lines of result. */
  readonly lines: readonly string[];
  /** Lines about the work. */
  readonly notes: readonly string[];
  /** What the command has thrown. */
  readonly error: unknown;
}

/** Returns how to type a command line. The fake lab's time goes on while it runs. */
export async function toyTerminal(t: Test, fake: FakeLab): Promise<(...words: string[]) => Promise<Typed>> {
  const directory = labDirectory({}, t.testdir({}));
  const { runs } = await fake.controller();
  await startTestController(t, {
    state: join(directory.path, "controller"),
    deployments: async () => ({
      service: createDeploymentService({ runs, lab: () => fake.lab, recipes: fake.recipes }),
      recover: async () => {},
      close: () => runs.close(),
    }),
  });
  return async (...words) => {
    const lines: string[] = [];
    const notes: string[] = [];
    const terminal: Terminal = {
      print: (line) => void lines.push(line),
      write: () => {},
      note: (line) => void notes.push(line),
      interactive: false,
      columns: 200,
      rows: 50,
      style: plainStyle,
    };
    const signal = new AbortController().signal;
    const program = buildProgram(async (work, { json }) => {
      await work({ terminal, clock: systemClock, env: {}, directory, json, signal });
    }, "0");
    let isDone = false;
    const done = program.parseAsync(words, { from: "user" }).then(
      () => undefined,
      (error: unknown) => error,
    );
    void done.then(() => (isDone = true));
    const deadlineMs = systemClock.monotonicMs() + withinMs;
    while (!isDone) {
      if (systemClock.monotonicMs() > deadlineMs) throw new Error(`waited ${withinMs} ms for lab ${words.join(" ")}:\n${lines.join("\n")}`);
      if (fake.clock.pendingTimers > 0) await fake.clock.advance(500);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return { lines, notes, error: await done };
  };
}
