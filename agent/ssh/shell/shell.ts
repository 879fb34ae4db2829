/** A shell on another machine: what jobs, files and facts over ssh are made of. */
import type { Readable, Writable } from "node:stream";

/** A script that runs. Its standard input must be ended, its outputs read. */
export interface ShellProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Its exit code, 128 + signal when one ended it. Undefined when that never came: the connection went down first. */
  readonly ended: Promise<number | undefined>;
  /** Lets go of it. Idempotent. */
  destroy(): void;
}

export interface Shell {
  /** For messages: "ssh root@10.0.0.5". */
  readonly label: string;
  /** Starts a POSIX shell script. Throws UnreachableError, AuthenticationError, DeadlineError. */
  open(script: string, options?: { signal?: AbortSignal | undefined }): Promise<ShellProcess>;
}
