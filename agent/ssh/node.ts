/** A machine without agent: everything an agent would do there, over one ssh connection. */
import type { Clock } from "../../proto/base/clock.js";
import type { Logger } from "../../proto/base/logger.js";
import type { Commands } from "../ports/command.js";
import type { Machine } from "../ports/facts.js";
import type { Files } from "../ports/files.js";
import { SshHost } from "./connection/host.js";
import type { OwnFiles, Target } from "./connection/identity.js";
import { SshFiles } from "./files/files.js";
import { SshJobs } from "./jobs/jobs.js";
import { SshMachine } from "./machine.js";

export interface SshNodeOptions {
  readonly target: Target;
  /** Of the machine this process stands for. */
  readonly files: OwnFiles;
  readonly clock: Clock;
  readonly log: Logger;
  /** How many jobs are kept on the machine. */
  readonly keep: number;
}

/** Connects when it is first asked for something. `close` hangs up; jobs run on. */
export function sshNode(options: SshNodeOptions) {
  const { target, files, clock, log, keep } = options;
  const shell = new SshHost({ target, files, clock, log });
  const commands: Commands = new SshJobs({ shell, clock, keep });
  const remoteFiles: Files = new SshFiles({ shell, clock });
  const machine: Machine = new SshMachine({ shell, clock, rebootArgv: ["reboot"] });
  return { commands, files: remoteFiles, machine, loader: undefined, close: () => shell.close() };
}
