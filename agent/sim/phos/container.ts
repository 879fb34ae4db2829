/** A container as the simulated docker keeps it, and how a path inside becomes one on the host. */
import { mkdirSync, rmSync } from "node:fs";
import { dirname, join, normalize, resolve } from "node:path";
import { MachineView } from "../tools/machine-view.js";

export interface Mount {
  /** Inside the container. */
  readonly target: string;
  /** Directory on the host that is mounted there. */
  readonly hostPath: string;
  readonly kind: "bind" | "tmpfs";
}

/** What `docker run` was asked for; kept on the machine's disk. */
export interface ContainerSpec {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** SOURCE:TARGET as given. */
  readonly binds: readonly string[];
  /** Undefined: no GPUs. */
  readonly gpus: string | undefined;
  readonly privileged: boolean;
  readonly hostNetwork: boolean;
  readonly remove: boolean;
  readonly createdMs: number;
}

export class Container {
  readonly spec: ContainerSpec;
  /** Its "/", on the host. */
  readonly rootDirectory: string;
  readonly mounts: Mount[];
  status: "created" | "running" | "exited";
  nextPid = 2;
  #tmpfsCount = 0;

  constructor(spec: ContainerSpec, rootDirectory: string, machineRoot: string, status: Container["status"]) {
    this.spec = spec;
    this.rootDirectory = rootDirectory;
    this.status = status;
    this.mounts = spec.binds.map((bind) => {
      const [source = "/", target = "/"] = bind.split(":");
      return { target: normalize(target), hostPath: join(machineRoot, source), kind: "bind" };
    });
  }

  /** The mount a path is on: of those that hold it the longest, of equals the newest. */
  mountOf(path: string): Mount | undefined {
    const holds = ({ target }: Mount) => path === target || path.startsWith(`${target === "/" ? "" : target}/`);
    return this.mounts
      .filter(holds)
      .reduce<Mount | undefined>((best, each) => (best && best.target.length > each.target.length ? best : each), undefined);
  }

  /** Mounts a tmpfs over a directory: what was in it is hidden, what comes is in memory only. */
  mountTmpfs(target: string): void {
    this.#tmpfsCount += 1;
    const hostPath = join(dirname(this.rootDirectory), "tmpfs", String(this.#tmpfsCount));
    mkdirSync(hostPath, { recursive: true });
    this.mounts.push({ target, hostPath, kind: "tmpfs" });
  }

  /** What was in it is gone. False when no process has mounted anything there. */
  unmount(target: string): boolean {
    const mount = this.mounts.filter((each) => each.kind === "tmpfs" && each.target === target).pop();
    if (mount === undefined) return false;
    this.mounts.splice(this.mounts.lastIndexOf(mount), 1);
    rmSync(mount.hostPath, { recursive: true, force: true });
    return true;
  }

  /** Where an absolute path of the container is on the host. */
  host(path: string): string {
    const mount = this.mountOf(path);
    return mount === undefined ? join(this.rootDirectory, path) : join(mount.hostPath, path.slice(mount.target.length));
  }
}

/** A container as one of its processes sees it. */
export class ContainerView extends MachineView {
  readonly container: Container;

  constructor(container: Container, cwd: string) {
    const ask = () => Promise.resolve({ exitCode: 127, stderr: "no kernel to ask\n" });
    super({ rootDirectory: container.rootDirectory, cwd, ask });
    this.container = container;
  }

  override from(directory: string): ContainerView {
    return new ContainerView(this.container, this.absolute(directory));
  }

  override absolute(path: string): string {
    return resolve(this.cwd, path);
  }

  override host(path: string): string {
    return this.container.host(this.absolute(path));
  }
}
