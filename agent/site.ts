/** The nodes whose BMCs, serial lines and ssh logins this agent looks after, as the controller last said, with or without a controller. */
import { readFile } from "node:fs/promises";
import { replaceFile } from "../proto/base/durable-file.js";
import { describeError, InvalidArgumentError, NotFoundError } from "../proto/base/errors.js";
import type { Logger } from "../proto/base/logger.js";
import { SiteAssignment, type AssignSiteResponse, type SiteNode } from "../proto/gen/lab/v1/agent.js";
import type { Captures } from "./capture/captures.js";
import type { ConsoleSource } from "./ports/console.js";
import type { Power, PowerDevice } from "./ports/power.js";

/** Makes what a node needs from its assignment; undefined = it has none here. Nothing is touched before it is used. */
export interface SiteDrivers {
  power(node: SiteNode): PowerDevice | undefined;
  console(node: SiteNode): ConsoleSource | undefined;
  /** Takes on a node that is reached by ssh; undefined = it is not, here. Returns the way to let go of it. */
  ssh(node: SiteNode): (() => void) | undefined;
  /** The verified power of a node over its device. */
  verify(node: SiteNode, device: PowerDevice): Power;
  /** What protects the nodes' power from now on: groups, limits, holds. Acts that go on keep their devices. */
  protect(assignment: SiteAssignment): void;
}

export interface SiteOptions {
  /** File the assignment is kept in; it holds passwords and is readable by the agent only. */
  readonly file: string;
  readonly drivers: SiteDrivers;
  readonly captures: Captures;
  readonly log: Logger;
}

interface Held {
  /** Encoded assignment: what is equal to it is left as it is. */
  readonly assigned: string;
}

interface Powered extends Held {
  readonly beside: boolean;
  readonly device: PowerDevice;
  readonly power: Power;
}

export class Site {
  readonly #options: SiteOptions;
  readonly #powered = new Map<string, Powered>();
  readonly #consoles = new Map<string, Held>();
  readonly #reached = new Map<string, Held & { readonly letGo: () => void }>();
  #lastAssignment: Promise<unknown> = Promise.resolve();
  /** What is waited for to take the place of a device that still acts. */
  #pending: SiteAssignment | undefined;

  private constructor(options: SiteOptions) {
    this.#options = options;
  }

  /** Goes on with the assignment of an earlier life. What of it cannot be done is logged: the rest must not wait for it. */
  static async open(options: SiteOptions): Promise<Site> {
    const site = new Site(options);
    const stored = await readFile(options.file).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    if (stored !== undefined) await site.#applyAlone(SiteAssignment.decode(stored));
    return site;
  }

  /** True when there is something to look after beside the hardware; a machine switched by its own operating system is no hardware. */
  get assigned(): boolean {
    return this.#consoles.size > 0 || [...this.#powered.values()].some(({ beside }) => beside);
  }

  /** From now on these nodes. Throws InvalidArgumentError with every node that cannot be looked after; the others are. */
  assign(assignment: SiteAssignment): Promise<AssignSiteResponse> {
    const assigned = this.#lastAssignment.then(async () => {
      await replaceFile(this.#options.file, SiteAssignment.encode(assignment).finish());
      const problems = await this.#apply(assignment);
      if (problems.length > 0) throw new InvalidArgumentError(`site assignment: ${problems.join("; ")}`);
      return { consoles: this.#consoles.size, bmcs: this.#powered.size, ssh: this.#reached.size };
    });
    this.#lastAssignment = assigned.catch(() => undefined);
    return assigned;
  }

  /** Throws NotFoundError for a node whose power this agent does not reach. */
  power(node: string): Power {
    const powered = this.#powered.get(node);
    if (powered !== undefined) return powered.power;
    throw new NotFoundError(`node ${node}: this site agent has no BMC or power command for it; see the inventory's bmc or power: via`, {
      facts: { node },
    });
  }

  /** Lets go of every BMC and ssh connection; captures belong to who made them. */
  async close(): Promise<void> {
    await this.#lastAssignment;
    this.#pending = undefined;
    await Promise.all([...this.#powered.values()].map(({ device }) => device.close()));
    this.#powered.clear();
    for (const { letGo } of this.#reached.values()) letGo();
    this.#reached.clear();
  }

  /** Nobody waits for what comes of it: it is logged. */
  async #applyAlone(assignment: SiteAssignment): Promise<void> {
    const problems = await this.#apply(assignment);
    for (const problem of problems) this.#options.log.error({ problem }, "part of the site assignment cannot be done");
  }

  /** Returns what could not be done, in words. */
  async #apply(assignment: SiteAssignment): Promise<string[]> {
    this.#options.drivers.protect(assignment);
    const nodes = new Map(assignment.nodes.map((node) => [node.node, node]));
    const acting = this.#actingOtherwise(nodes);
    this.#pending = acting.size > 0 ? assignment : undefined;
    if (acting.size > 0) this.#applyAgainAfter(acting, assignment);
    const wanted = new Map([...nodes].filter(([name]) => !acting.has(name)));
    const outdated = (held: ReadonlyMap<string, Held>, keyOf: (node: SiteNode | undefined) => string) =>
      [...held].flatMap(([name, { assigned }]) => (acting.has(name) || assigned === keyOf(wanted.get(name)) ? [] : [name]));
    // First let go: a BMC is not shared by an old password and a new one. All at once: each that is dead takes seconds.
    await Promise.all([
      ...outdated(this.#powered, powerKey).map((name) => this.#dropPower(name)),
      ...outdated(this.#consoles, consoleKey).map((name) => this.#dropConsole(name)),
    ]);
    for (const name of outdated(this.#reached, sshKey)) this.#dropSsh(name);
    const problems: string[] = [];
    const attempt = (node: SiteNode, take: () => void) => {
      try {
        take();
      } catch (error) {
        problems.push(`${node.node}: ${describeError(error)}`);
      }
    };
    for (const node of wanted.values()) {
      attempt(node, () => this.#takePower(node));
      attempt(node, () => this.#takeConsole(node));
      attempt(node, () => this.#takeSsh(node));
    }
    return problems;
  }

  /** Nodes that are to be switched otherwise while an act on them goes on, and the end of that: a cycle ends with the device it began with. */
  #actingOtherwise(nodes: ReadonlyMap<string, SiteNode>): ReadonlyMap<string, Promise<void>> {
    return new Map(
      [...this.#powered].flatMap(([name, { assigned, power }]): [string, Promise<void>][] =>
        power.underWay === undefined || powerKey(nodes.get(name)) === assigned ? [] : [[name, power.underWay]],
      ),
    );
  }

  #applyAgainAfter(acting: ReadonlyMap<string, Promise<void>>, assignment: SiteAssignment): void {
    this.#options.log.info({ nodes: [...acting.keys()].join(" ") }, "nodes are assigned anew when their power acts have ended");
    void Promise.race(acting.values()).then(() => {
      const applied = this.#lastAssignment.then(() => (this.#pending === assignment ? this.#applyAlone(assignment) : undefined));
      this.#lastAssignment = applied.catch((err: unknown) =>
        this.#options.log.error({ err }, "the site assignment could not be applied again"),
      );
    });
  }

  #takePower(node: SiteNode): void {
    if (this.#powered.has(node.node)) return;
    const device = this.#options.drivers.power(node);
    if (device === undefined) return;
    const power = this.#options.drivers.verify(node, device);
    const beside = node.power?.means?.$case !== "agent";
    this.#powered.set(node.node, { assigned: powerKey(node), beside, device, power });
    this.#options.log.info({ node: node.node, power: device.label }, "power looked after");
  }

  #takeConsole(node: SiteNode): void {
    if (this.#consoles.has(node.node)) return;
    const source = this.#options.drivers.console(node);
    if (source === undefined) return;
    this.#options.captures.add(node.node, source);
    this.#consoles.set(node.node, { assigned: consoleKey(node) });
    this.#options.log.info({ node: node.node, console: source.label }, "console captured");
  }

  #takeSsh(node: SiteNode): void {
    if (this.#reached.has(node.node)) return;
    const letGo = this.#options.drivers.ssh(node);
    if (letGo === undefined) return;
    this.#reached.set(node.node, { assigned: sshKey(node), letGo });
    this.#options.log.info({ node: node.node, address: node.ssh?.address }, "node reached by ssh");
  }

  async #dropPower(node: string): Promise<void> {
    const powered = this.#powered.get(node);
    this.#powered.delete(node);
    await powered?.device.close();
    this.#options.log.info({ node }, "power let go");
  }

  async #dropConsole(node: string): Promise<void> {
    this.#consoles.delete(node);
    await this.#options.captures.remove(node);
    this.#options.log.info({ node }, "console let go");
  }

  #dropSsh(node: string): void {
    this.#reached.get(node)?.letGo();
    this.#reached.delete(node);
    this.#options.log.info({ node }, "node no longer reached by ssh");
  }
}

function powerKey(node: SiteNode | undefined): string {
  return node === undefined ? "" : encoded({ ...node, console: undefined, ssh: undefined, safety: undefined });
}

function sshKey(node: SiteNode | undefined): string {
  return node?.ssh === undefined ? "" : encoded({ ...node, power: undefined, safety: undefined, bmc: undefined, console: undefined });
}

/** A console over SOL changes with its BMC. */
function consoleKey(node: SiteNode | undefined): string {
  if (node?.console === undefined) return "";
  return encoded({ ...node, power: undefined, safety: undefined, ssh: undefined, bmc: node.console.kind === "sol" ? node.bmc : undefined });
}

function encoded(node: SiteNode): string {
  return Buffer.from(SiteAssignment.encode({ nodes: [node], groups: [] }).finish()).toString("base64");
}
