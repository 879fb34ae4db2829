/** A simulated machine as one of its processes sees it: its file system (a directory of the host) and the kernel it can ask. */
import { existsSync, lstatSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { createConnection } from "node:net";
import { join, normalize, resolve } from "node:path";
import { InvalidArgumentError, UnreachableError } from "../../../proto/base/errors.js";
import type { ToolReply, ToolRequest } from "../kernel.js";

/** Asks the kernel that runs on the machine. It may take its time: loading a module takes minutes. */
export type AskKernel = (request: ToolRequest) => Promise<ToolReply>;

export class MachineView {
  /** Absolute path on the host of the machine's "/". */
  readonly rootDirectory: string;
  /** Working directory as the machine sees it. */
  readonly cwd: string;
  readonly #ask: AskKernel;

  constructor(options: { readonly rootDirectory: string; readonly cwd: string; readonly ask: AskKernel }) {
    this.rootDirectory = options.rootDirectory;
    this.cwd = options.cwd;
    this.#ask = options.ask;
  }

  /** The view of the process that runs this: LABD_SIM_ROOT, LABD_SIM_SOCKET, and where it stands. Throws InvalidArgumentError. */
  static ofProcess(environment: NodeJS.ProcessEnv, hostCwd: string): MachineView {
    const rootDirectory = environment["LABD_SIM_ROOT"];
    if (rootDirectory === undefined)
      throw new InvalidArgumentError("LABD_SIM_ROOT is not set: stand-in tools run on simulated machines only");
    // Tools may stand in for some of a real machine's.
    if (rootDirectory === "/")
      return new MachineView({ rootDirectory, cwd: hostCwd, ask: (request) => askOnSocket(environment["LABD_SIM_SOCKET"] ?? "", request) });
    const inside = hostCwd === rootDirectory || hostCwd.startsWith(`${rootDirectory}/`);
    const cwd = inside ? normalize(`/${hostCwd.slice(rootDirectory.length)}`) : "/";
    return new MachineView({ rootDirectory, cwd, ask: (request) => askOnSocket(environment["LABD_SIM_SOCKET"] ?? "", request) });
  }

  /** The same machine seen from another directory, as after `cd`. */
  from(directory: string): MachineView {
    return new MachineView({ rootDirectory: this.rootDirectory, cwd: this.absolute(directory), ask: this.#ask });
  }

  /** A path as the machine sees it, absolute. A path that is on the host below the root directory already is taken as what it is. */
  absolute(path: string): string {
    if (path.startsWith(`${this.rootDirectory}/`)) return normalize(path.slice(this.rootDirectory.length));
    return resolve(this.cwd, path);
  }

  /** Where a path of the machine is on the host. Links are followed as the machine follows them: an absolute one begins at its "/". */
  host(path: string): string {
    return this.#follow(this.absolute(path), true);
  }

  /** The same for the link itself, when the path names one. */
  hostLink(path: string): string {
    return this.#follow(this.absolute(path), false);
  }

  #follow(path: string, followLast: boolean): string {
    let pending = path.split("/").filter((each) => each !== "");
    let resolved: string[] = [];
    for (let links = 0; links <= maxLinks; ) {
      const component = pending.shift();
      if (component === undefined) break;
      if (component === "..") resolved.pop();
      else resolved.push(component);
      if (!followLast && pending.length === 0) break;
      const target = linkTarget(join(this.rootDirectory, ...resolved));
      if (target === undefined) continue;
      links += 1;
      resolved = target.startsWith("/") ? [] : resolved.slice(0, -1);
      pending = [...target.split("/").filter((each) => each !== "" && each !== "."), ...pending];
    }
    return join(this.rootDirectory, ...resolved);
  }

  exists(path: string): boolean {
    return existsSync(this.host(path));
  }

  /** Text of a file; undefined when it is not there. Bytes are kept one to one (latin1) when `binary`. */
  read(path: string, encoding: BufferEncoding = "utf8"): string | undefined {
    const host = this.host(path);
    return existsSync(host) && statSync(host).isFile() ? readFileSync(host, encoding) : undefined;
  }

  /** Wall time of a file's last change in ms since the Unix epoch; 0 when it is not there. */
  modifiedMs(path: string): number {
    return statSync(this.host(path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  }

  ask(op: string, argv: readonly string[]): Promise<ToolReply> {
    return this.#ask({ op, argv, cwd: this.cwd });
  }
}

/** As many links as Linux follows (path_resolution(7)). */
const maxLinks = 40;

function linkTarget(host: string): string | undefined {
  return lstatSync(host, { throwIfNoEntry: false })?.isSymbolicLink() === true ? readlinkSync(host) : undefined;
}

function askOnSocket(path: string, request: ToolRequest): Promise<ToolReply> {
  return new Promise((resolve, reject) => {
    const connection = createConnection(path);
    const chunks: Buffer[] = [];
    connection.on("error", reject);
    connection.on("data", (chunk: Buffer) => void chunks.push(chunk));
    connection.on("end", () => {
      const line = Buffer.concat(chunks).toString("utf8");
      if (line === "") return reject(new UnreachableError(`${request.op}: the machine stopped before it answered`));
      resolve(JSON.parse(line) as ToolReply);
    });
    connection.write(`${JSON.stringify(request)}\n`);
  });
}
