/** The kernel's side of the docker stand-in: one request, one answer, as over docker's socket. */
import { readFileSync } from "node:fs";
import type { RunningLinux, ToolHandlers, ToolReply } from "../kernel.js";
import { faultsVariable } from "../tools/surroundings.js";
import type { Container, ContainerSpec } from "./container.js";
import { Engine } from "./engine.js";
import { gpuProcesses } from "./gpu.js";
import { findImage } from "./images.js";
import { programs } from "./programs.js";
import type { ContainerProcess } from "./process.js";

/** What docker's daemon is asked for. */
export type DockerRequest =
  | { readonly do: "info" | "list" | "images" }
  | { readonly do: "pull" | "inspect-image"; readonly image: string }
  | { readonly do: "inspect" | "start" | "stop" | "restart" | "kill"; readonly name: string }
  | { readonly do: "remove"; readonly name: string; readonly force: boolean }
  | { readonly do: "create"; readonly spec: Omit<ContainerSpec, "id" | "createdMs"> }
  | {
      readonly do: "exec";
      readonly name: string;
      readonly argv: readonly string[];
      readonly cwd: string;
      readonly env: Readonly<Record<string, string>>;
      readonly stdin: string;
    }
  | { readonly do: "logs" | "attach"; readonly name: string }
  | { readonly do: "output"; readonly exec: string; readonly out: number; readonly err: number }
  /** Where a path of a container is on the host; "" when docker does not see it. */
  | { readonly do: "locate"; readonly name: string; readonly path: string };

/** `error`: docker's words and the exit code a client ends with. */
export type DockerReply = Readonly<Record<string, unknown>> & { readonly error?: { readonly text: string; readonly exitCode: number } };

/** How long a client is kept waiting for output that does not come. */
const patienceMs = 400;

const engines = new WeakMap<RunningLinux, Engine>();

function engineOf(linux: RunningLinux): Engine {
  const engine = engines.get(linux) ?? new Engine(linux, programs);
  engines.set(linux, engine);
  return engine;
}

export const dockerHandlers: ToolHandlers = {
  dockerd: async ({ argv: [json = "{}", faults = ""] }, linux) => {
    const reply = await answer(engineOf(linux), JSON.parse(json) as DockerRequest, faults);
    return { exitCode: 0, stdout: JSON.stringify(reply) };
  },
  gpu: (_request, linux) => Promise.resolve(text(JSON.stringify(gpuProcesses(engineOf(linux))))),
  udp: (_request, linux) =>
    Promise.resolve(
      text(
        JSON.stringify(
          engineOf(linux)
            .living()
            .flatMap(({ boundPort }) => boundPort ?? []),
        ),
      ),
    ),
};

function text(stdout: string): ToolReply {
  return { exitCode: 0, stdout };
}

async function answer(engine: Engine, request: DockerRequest, faults: string): Promise<DockerReply> {
  switch (request.do) {
    case "info":
      return {};
    case "images":
      return { images: [...engine.images] };
    case "pull": {
      const image = findImage(request.image);
      if (image === undefined) return failure(`manifest for ${request.image} not found: manifest unknown: manifest unknown`, 1);
      await engine.after(10_000);
      engine.images.add(image.name);
      engine.save();
      return { name: image.name };
    }
    case "inspect-image": {
      const image = findImage(request.image);
      return image !== undefined && engine.images.has(image.name) ? { id: image.id } : failure(`No such image: ${request.image}`, 1);
    }
    case "list":
      return { containers: [...engine.containers.values()].map(described) };
    case "create":
      return create(engine, request.spec, faults);
    case "output":
      return output(engine, request);
    default:
      return onContainer(engine, request, faults);
  }
}

function create(engine: Engine, spec: Omit<ContainerSpec, "id" | "createdMs">, faults: string): DockerReply {
  const image = findImage(spec.image);
  const other = engine.containers.get(spec.name);
  if (image === undefined || !engine.images.has(image.name)) return failure(`No such image: ${spec.image}`, 125);
  if (other !== undefined)
    return failure(
      `Conflict. The container name "/${spec.name}" is already in use by container "${other.spec.id}". You have to remove (or rename) that container to be able to reuse that name.`,
      125,
    );
  if (spec.gpus !== undefined && faults.split(",").includes("no-toolkit"))
    return failure('could not select device driver "" with capabilities: [[gpu]].', 125);
  const env = { ...base, ...spec.env, [faultsVariable]: faults };
  const container = engine.create({ ...spec, image: image.name, env, id: engine.newId(), createdMs: engine.now() });
  return { id: container.spec.id, name: container.spec.name };
}

const base: Readonly<Record<string, string>> = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/root" };

function onContainer(
  engine: Engine,
  request: Exclude<DockerRequest, { do: "info" | "list" | "images" | "pull" | "inspect-image" | "create" | "output" }>,
  faults: string,
): DockerReply {
  const container = find(engine, request.name);
  if (container === undefined) return failure(`No such container: ${request.name}`, 1);
  switch (request.do) {
    case "inspect":
      return described(container);
    case "start": {
      const first = engine.start(container);
      engine.execs.set(container.spec.id, first);
      return { exec: container.spec.id };
    }
    case "restart":
      engine.stop(container);
      engine.execs.set(container.spec.id, engine.start(container));
      return {};
    case "stop":
    case "kill":
      engine.stop(container);
      return {};
    case "remove":
      if (container.status === "running" && !request.force)
        return failure(
          `cannot remove container "/${container.spec.name}": container is running: stop the container before removing or force remove`,
          1,
        );
      engine.remove(container);
      return {};
    case "logs":
    case "attach":
      return { exec: container.spec.id };
    case "locate":
      return { path: container.mountOf(request.path)?.kind === "tmpfs" ? "" : container.host(request.path) };
    case "exec":
      return execute(engine, container, request, faults);
  }
}

function execute(engine: Engine, container: Container, request: Extract<DockerRequest, { do: "exec" }>, faults: string): DockerReply {
  if (container.status !== "running") return failure(`container ${container.spec.id} is not running`, 1);
  const { argv, stdin } = request;
  const cwd = request.cwd === "" ? container.spec.cwd : request.cwd;
  const why = unstartable(engine, container, argv[0] ?? "", cwd);
  if (why !== undefined) return why;
  const env = { ...container.spec.env, ...request.env, [faultsVariable]: faults };
  const process = engine.spawn(container, { argv, cwd, env, stdin });
  const exec = engine.newId();
  engine.execs.set(exec, process);
  return { exec, pid: process.pid };
}

/** In the words of the OCI runtime. */
export function unstartable(engine: Engine, container: Container, program: string, cwd: string): DockerReply | undefined {
  const oci = "OCI runtime exec failed: exec failed: unable to start container process:";
  if (!isDirectory(container.host(cwd)))
    return raw(`${oci} chdir to cwd ("${cwd}") set in config.json failed: no such file or directory: unknown`, 126);
  const isMissing = engine.program(program) === undefined || (program === "nvidia-smi" && container.spec.gpus === undefined);
  return isMissing ? raw(`${oci} exec: "${program}": executable file not found in $PATH: unknown`, 127) : undefined;
}

function isDirectory(path: string): boolean {
  try {
    readFileSync(path);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EISDIR";
  }
}

async function output(engine: Engine, { exec, out, err }: Extract<DockerRequest, { do: "output" }>): Promise<DockerReply> {
  const process = engine.execs.get(exec);
  if (process === undefined) return failure(`No such exec instance: ${exec}`, 1);
  const isNew = () => process.isOver || process.output.out.length > out || process.output.err.length > err;
  if (!isNew()) await Promise.race([process.changed(), engine.afterWall(patienceMs)]);
  return { out: process.output.out.slice(out), err: process.output.err.slice(err), ...ended(process) };
}

function ended(process: ContainerProcess): { readonly exitCode?: number } {
  return process.exitCode === undefined ? {} : { exitCode: process.exitCode };
}

/** By name or by the beginning of its id. */
function find(engine: Engine, name: string): Container | undefined {
  return engine.containers.get(name) ?? [...engine.containers.values()].find(({ spec }) => name.length >= 4 && spec.id.startsWith(name));
}

function described({ spec, status }: Container): DockerReply {
  return { ...spec, status };
}

function failure(words: string, exitCode: number): DockerReply {
  return { error: { text: `Error response from daemon: ${words}`, exitCode } };
}

function raw(words: string, exitCode: number): DockerReply {
  return { error: { text: words, exitCode } };
}
