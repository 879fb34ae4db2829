/**
 * An agent held in memory: every service the controller calls, over a real connection, with machines that are maps. Serves both
 * duties. What was asked of it is written down in `acts`.
 */
import type { Server } from "@grpc/grpc-js";
import { createHash } from "node:crypto";
import { systemClock } from "../../../proto/base/clock.js";
import { ConflictError, InvalidArgumentError, NotFoundError } from "../../../proto/base/errors.js";
import { BoundedQueue } from "../../../proto/base/queue.js";
import { silentLogger } from "../../../proto/base/logger.js";
import type { SiteAssignment } from "../../../proto/gen/lab/v1/agent.js";
import { AgentServiceService } from "../../../proto/gen/lab/v1/agent.js";
import { BmcServiceService } from "../../../proto/gen/lab/v1/bmc.js";
import type { BootEntry } from "../../../proto/gen/lab/v1/boot.js";
import { BootServiceService } from "../../../proto/gen/lab/v1/boot.js";
import { CommandServiceService } from "../../../proto/gen/lab/v1/command.js";
import { type ConsoleNotice, ConsoleServiceService } from "../../../proto/gen/lab/v1/console.js";
import type { FileInfo } from "../../../proto/gen/lab/v1/file.js";
import { FileServiceService } from "../../../proto/gen/lab/v1/file.js";
import { NodeServiceService } from "../../../proto/gen/lab/v1/node.js";
import type { PowerResult } from "../../../proto/gen/lab/v1/power.js";
import { PowerServiceService } from "../../../proto/gen/lab/v1/power.js";
import { serveController } from "../../../proto/rpc/dial.js";
import type { Identity } from "../../../proto/rpc/identity.js";
import { addService } from "../../../proto/rpc/server.js";
import { FakeBmcs } from "./fake-bmc.js";
import { FakeConsole } from "./fake-console.js";
import { FakeJobs } from "./fake-jobs.js";

export class FakeAgent {
  readonly name: string;
  /** One line per act, in order: "power cycle p0", "write /etc/motd", "reboot p0". */
  readonly acts: string[] = [];
  readonly power = new Map<string, "on" | "off">();
  /** What an operator is asked to do, and why power is held back, by node. */
  readonly asks = new Map<string, string>();
  readonly holds = new Map<string, string>();
  /** Called before a power act is done; what it throws is the act's end. */
  onPower: (node: string, verb: string) => Promise<void> = async () => {};
  readonly consoles = new Map<string, FakeConsole>();
  readonly files = new Map<string, Buffer>();
  readonly bmcs = new FakeBmcs(this.acts);
  readonly jobs = new FakeJobs();
  readonly bootEntries = new Map<string, BootEntry>();
  nextEntry = "";
  bootId = "boot-1";
  /** What whoever watches its consoles is told; undefined = an old agent that cannot be watched. To be set before `start`. */
  notices: BoundedQueue<ConsoleNotice> | undefined = new BoundedQueue(100);
  /** What AssignSite brought last. */
  assignment: SiteAssignment | undefined;
  readonly #results = new Map<string, PowerResult>();
  readonly #stop = new AbortController();
  #serving: Promise<void> | undefined;

  constructor(name: string) {
    this.name = name;
  }

  /** Dials the controller and serves, again and again, until `stop`. */
  start(address: string, identity: Identity): void {
    this.#serving = serveController({
      address,
      identity: () => identity,
      services: (server) => this.#serve(server),
      clock: systemClock,
      logger: silentLogger,
      signal: this.#stop.signal,
      backoff: { initialMs: 1, capMs: 20, stableMs: 60_000 },
    });
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#serving;
  }

  /** The console of a node; made when it is first asked for. */
  console(node: string): FakeConsole {
    const console = this.consoles.get(node) ?? new FakeConsole();
    this.consoles.set(node, console);
    return console;
  }

  #serve(server: Server): void {
    this.#serveSelf(server);
    this.#servePower(server);
    this.#serveConsoles(server);
    this.#serveBoot(server);
    this.#serveFiles(server);
    addService(server, BmcServiceService, this.bmcs.service());
    addService(server, CommandServiceService, this.jobs.service());
  }

  #serveSelf(server: Server): void {
    addService(server, AgentServiceService, {
      describe: async () => ({ name: this.name, version: "0.0.0-fake", duties: [], bootId: this.bootId, startedMs: 0n, runtime: "" }),
      assignSite: async (assignment) => {
        this.assignment = assignment;
        return { consoles: assignment.nodes.length, bmcs: assignment.nodes.length, ssh: 0 };
      },
    });
    addService(server, NodeServiceService, {
      getFacts: async () => ({
        kernel: "Linux",
        kernelRelease: "3.10.0",
        arch: "x86_64",
        hostname: this.name,
        bootId: this.bootId,
        uptimeS: 3 * 86_400 + 5,
        cpuCount: 4,
        cpuModel: "fake",
        memoryBytes: 8n << 30n,
        memoryAvailableBytes: 4n << 30n,
        disks: [{ mount: "/", sizeBytes: 100n, freeBytes: 50n }],
        modules: [],
        commandLine: "",
        osRelease: "",
      }),
      reboot: async ({ node }) => {
        this.acts.push(`reboot ${node}`);
        return { oldBootId: this.bootId };
      },
    });
  }

  #servePower(server: Server): void {
    const read = (node: string) => this.power.get(node) ?? "off";
    const status = (node: string) => ({
      state: read(node),
      fault: false,
      lastEvent: "",
      asks: this.asks.get(node) ?? "",
      hold: this.holds.get(node) ?? "",
    });
    addService(server, PowerServiceService, {
      getPower: async ({ node }) => status(node),
      confirmPower: async ({ node, state }) => {
        this.asks.delete(node);
        this.power.set(node, state === "on" ? "on" : "off");
        return status(node);
      },
      setPower: async ({ node, verb, key }) => {
        const remembered = this.#results.get(key);
        if (remembered !== undefined) return { ...remembered, replayed: true };
        await this.onPower(node, verb);
        const before = read(node);
        const after = verb === "off" || verb === "soft" ? "off" : "on";
        const acted = verb === "cycle" || verb === "reset" || before !== after;
        if (acted) this.acts.push(`power ${verb} ${node}`);
        this.power.set(node, after);
        const consoleOffset = this.consoles.get(node)?.endOffset ?? 0n;
        const result = { before, after, acted, elapsedMs: 1, replayed: false, consoleOffset, witnessed: true, packets: 2, waitedMs: 0 };
        this.#results.set(key, result);
        return result;
      },
    });
  }

  #serveConsoles(server: Server): void {
    const { notices } = this;
    addService(server, ConsoleServiceService, {
      ...(notices === undefined ? {} : { watchConsoles: () => notices }),
      listConsoles: async () => ({ consoles: [...this.consoles].map(([node, console]) => console.view(node)) }),
      follow: (request, { signal }) => this.console(request.node).follow(request, signal),
      listBoots: async () => ({ boots: [] }),
      attach: (requests) => attach(requests, (node) => this.console(node)),
    });
  }

  #serveBoot(server: Server): void {
    const entries = () => ({ entries: [...this.bootEntries.values()], defaultEntry: "linux", nextEntry: this.nextEntry });
    addService(server, BootServiceService, {
      listEntries: async () => entries(),
      putEntry: async ({ entry }) => {
        if (entry === undefined) throw new InvalidArgumentError("no entry");
        this.bootEntries.set(entry.id, { ...entry, managed: true });
        return entries();
      },
      removeEntry: async ({ id }) => {
        this.bootEntries.delete(id);
        return entries();
      },
      bootOnce: async ({ id }) => {
        this.nextEntry = id;
        return entries();
      },
    });
  }

  #serveFiles(server: Server): void {
    addService(server, FileServiceService, {
      stat: async ({ path }) => fileInfo(this.files.get(path)),
      read: (request) => readFile(this.files.get(request.path), request),
      write: async (requests) => {
        let header: { path: string; sha256: string } | undefined;
        const chunks: Buffer[] = [];
        for await (const { request } of requests) {
          if (request?.$case === "header") header = request.value;
          if (request?.$case === "data") chunks.push(request.value);
        }
        if (header === undefined) throw new InvalidArgumentError("no header");
        const contents = Buffer.concat(chunks);
        if (header.sha256 !== "" && header.sha256 !== sha256(contents)) throw new ConflictError("digest mismatch");
        this.files.set(header.path, contents);
        this.acts.push(`write ${header.path}`);
        return fileInfo(contents);
      },
      remove: async ({ path }) => ({ removed: this.files.delete(path) }),
      list: async ({ path }) => {
        const names = [...this.files.keys()].filter((each) => each.startsWith(`${path}/`)).map((each) => each.slice(path.length + 1));
        return { names: names.sort() };
      },
    });
  }
}

type Attach = NonNullable<Parameters<typeof addService<typeof ConsoleServiceService>>[2]["attach"]>;

async function* attach(requests: Parameters<Attach>[0], consoleOf: (node: string) => FakeConsole): ReturnType<Attach> {
  let console: FakeConsole | undefined;
  for await (const { request } of requests) {
    if (request?.$case === "open") {
      console = consoleOf(request.value.node);
      console.writer = request.value.who;
      yield { event: { $case: "granted", value: "" } };
    }
    if (request?.$case === "data") {
      console?.written.push(request.value);
      yield { event: { $case: "acceptedBytes", value: BigInt(request.value.length) } };
    }
  }
}

async function* readFile(contents: Buffer | undefined, { path, offset, limit }: { path: string; offset: bigint; limit: bigint }) {
  if (contents === undefined) throw new NotFoundError(`${path}: no such file`);
  const end = limit === 0n ? contents.length : Number(offset + limit);
  yield { data: contents.subarray(Number(offset), end) };
}

function sha256(contents: Buffer): string {
  return createHash("sha256").update(contents).digest("hex");
}

function fileInfo(contents: Buffer | undefined): FileInfo {
  if (contents === undefined) return { exists: false, kind: "", sizeBytes: 0n, mode: 0, modifiedMs: 0n, sha256: "" };
  return { exists: true, kind: "file", sizeBytes: BigInt(contents.length), mode: 0o644, modifiedMs: 0n, sha256: sha256(contents) };
}
