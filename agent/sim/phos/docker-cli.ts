/** The `docker` of a simulated machine: the real one's words, options and exit codes, as far as labd and its tests use them. */
import { cpSync, existsSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { faultsOf, faultsVariable } from "../tools/surroundings.js";
import type { Tool, ToolCall } from "../tools/tool.js";
import type { ContainerSpec } from "./container.js";
import { parseDockerOptions } from "./docker-options.js";
import type { DockerReply, DockerRequest } from "./dockerd.js";

type Command = (call: ToolCall) => Promise<number>;

export const docker: Tool = (call) => {
  if (faultsOf(call).has("docker-down")) {
    call.err("Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?\n");
    return 1;
  }
  const [first = "", second = ""] = call.argv;
  const isNested = (first === "container" || first === "image") && second !== "";
  const name = isNested ? `${first} ${second}` : first;
  const command = commands[name] ?? (first === "container" ? commands[second] : undefined);
  if (command === undefined) {
    call.err(`docker: '${first}' is not a docker command.\nSee 'docker --help'\n`);
    return 1;
  }
  return command({ ...call, argv: call.argv.slice(isNested ? 2 : 1) });
};

async function ask(call: ToolCall, request: DockerRequest): Promise<DockerReply> {
  const reply = await call.machine.ask("dockerd", [JSON.stringify(request), call.env[faultsVariable] ?? ""]);
  if (reply.exitCode !== 0) return { error: { text: "Cannot connect to the Docker daemon", exitCode: 1 } };
  return JSON.parse(reply.stdout ?? "{}") as DockerReply;
}

function complain(call: ToolCall, { text, exitCode }: { readonly text: string; readonly exitCode: number }, prefix = ""): number {
  call.err(`${prefix}${text}\n`);
  return exitCode;
}

/** Prints what the process prints until it ends; its exit code. Killing this client ends nothing. */
async function watch(call: ToolCall, exec: string): Promise<number> {
  for (let [out, err] = [0, 0]; ; ) {
    const reply = await ask(call, { do: "output", exec, out, err });
    if (reply.error !== undefined) return complain(call, reply.error);
    const [text, complaint] = [String(reply["out"]), String(reply["err"])];
    if (text !== "") call.out(text);
    if (complaint !== "") call.err(complaint);
    out += text.length;
    err += complaint.length;
    if (typeof reply["exitCode"] === "number") return reply["exitCode"];
    await call.work(5);
  }
}

const run: Command = async (call) => {
  const { flags, values, rest } = parseDockerOptions(call.argv);
  const [image = "", ...argv] = rest;
  if (flags.has("-t") && !flags.has("-d")) return complain(call, { text: "the input device is not a TTY", exitCode: 1 });
  const entrypoint = values["--entrypoint"]?.[0];
  const command = [...(entrypoint === undefined ? [] : [entrypoint]), ...argv];
  const spec: Omit<ContainerSpec, "id" | "createdMs"> = {
    name: values["--name"]?.[0] ?? `quiet_${call.now()}`,
    image,
    labels: pairs(values["--label"]),
    argv: command.length === 0 ? ["sh"] : command,
    cwd: values["-w"]?.[0] ?? "/",
    env: pairs(values["-e"]),
    binds: values["-v"] ?? [],
    gpus: values["--gpus"]?.[0],
    privileged: flags.has("--privileged"),
    hostNetwork: values["--network"]?.[0] === "host",
    remove: flags.has("--rm"),
  };
  if ((await ask(call, { do: "inspect-image", image })).error !== undefined && (await pullMissing(call, image)) !== 0) return 125;
  const created = await ask(call, { do: "create", spec });
  if (created.error !== undefined) return complain(call, created.error, "docker: ");
  const started = await ask(call, { do: "start", name: spec.name });
  if (flags.has("-d")) {
    call.out(`${String(created["id"])}\n`);
    return 0;
  }
  const exitCode = await watch(call, String(started["exec"]));
  if (spec.remove) await ask(call, { do: "remove", name: spec.name, force: true });
  return exitCode;
};

async function pullMissing(call: ToolCall, image: string): Promise<number> {
  call.err(`Unable to find image '${image}' locally\n`);
  const pulled = await ask(call, { do: "pull", image });
  return pulled.error === undefined ? 0 : complain(call, pulled.error, "docker: ");
}

const exec: Command = async (call) => {
  const { flags, values, rest } = parseDockerOptions(call.argv);
  const [name = "", ...argv] = rest;
  if (flags.has("-t")) return complain(call, { text: "the input device is not a TTY", exitCode: 1 });
  if (argv.length === 0) return complain(call, { text: '"docker exec" requires at least 2 arguments.', exitCode: 1 });
  const stdin = flags.has("-i") ? await call.stdin() : "";
  const reply = await ask(call, { do: "exec", name, argv, cwd: values["-w"]?.[0] ?? "", env: pairs(values["-e"]), stdin });
  if (reply.error !== undefined) return complain(call, reply.error);
  return flags.has("-d") ? 0 : watch(call, String(reply["exec"]));
};

const inspect: Command = async (call) => {
  const [name = ""] = parseDockerOptions(call.argv).rest;
  const reply = await ask(call, { do: "inspect", name });
  if (reply.error !== undefined) {
    call.out("[]\n");
    return complain(call, reply.error);
  }
  const { id, status, image, labels } = reply;
  const shown = {
    Id: id,
    Name: `/${name}`,
    State: { Status: status, Running: status === "running" },
    Config: { Image: image, Labels: labels },
  };
  call.out(`${JSON.stringify([shown], undefined, 4)}\n`);
  return 0;
};

/** docker cp SOURCE TARGET, one of them NAME:PATH. */
const cp: Command = async (call) => {
  const [source = "", target = ""] = parseDockerOptions(call.argv).rest;
  const isOut = source.includes(":");
  const [name = "", path = ""] = (isOut ? source : target).split(":");
  const located = await ask(call, { do: "locate", name, path });
  if (located.error !== undefined) return complain(call, located.error);
  const inside = String(located["path"]);
  const missing = { text: `Error response from daemon: Could not find the file ${path} in container ${name}`, exitCode: 1 };
  // What a process of the container has mounted is not docker's to see.
  if (inside === "" || (isOut && !existsSync(inside))) return complain(call, missing);
  const [from, to] = isOut ? [inside, call.machine.host(target)] : [call.machine.host(source), inside];
  const isInto = existsSync(to) && statSync(to).isDirectory();
  cpSync(from, isInto ? join(to, basename(from)) : to, { recursive: true });
  return 0;
};

/** One word a container, its name: rm, stop, restart, kill. */
function onEach(request: (name: string, flags: ReadonlySet<string>) => DockerRequest): Command {
  return async (call) => {
    const { flags, rest } = parseDockerOptions(call.argv);
    let exitCode = 0;
    for (const name of rest) {
      const reply = await ask(call, request(name, flags));
      if (reply.error === undefined) call.out(`${name}\n`);
      else exitCode = complain(call, reply.error);
    }
    return exitCode;
  };
}

const ps: Command = async (call) => {
  const { flags, values } = parseDockerOptions(call.argv);
  const filter = values["--filter"]?.find((word) => word.startsWith("name="))?.slice("name=".length) ?? "";
  const { containers } = await ask(call, { do: "list" });
  const shown = (containers as { id: string; name: string; image: string; status: string }[]).filter(
    ({ name, status }) => (flags.has("-a") || status === "running") && new RegExp(filter.replace("^/", "^")).test(name),
  );
  call.out("CONTAINER ID   IMAGE   STATUS   NAMES\n");
  for (const { id, name, image, status } of shown) call.out(`${id.slice(0, 12)}   ${image}   ${status}   ${name}\n`);
  return 0;
};

const info: Command = async (call) => {
  const isRootless = faultsOf(call).has("rootless-docker");
  const security = ["name=seccomp,profile=builtin", ...(isRootless ? ["name=rootless"] : [])];
  call.out(`${JSON.stringify({ ServerVersion: "24.0.7", DockerRootDir: "/var/lib/docker", SecurityOptions: security })}\n`);
  return Promise.resolve(0);
};

const pull: Command = async (call) => {
  const [image = ""] = parseDockerOptions(call.argv).rest;
  if (faultsOf(call).has("no-network"))
    return complain(call, {
      text: 'Error response from daemon: Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host',
      exitCode: 1,
    });
  const reply = await ask(call, { do: "pull", image });
  if (reply.error !== undefined) return complain(call, reply.error);
  call.out(`Status: Downloaded newer image for ${String(reply["name"])}\n`);
  return 0;
};

const inspectImage: Command = async (call) => {
  const { values, rest } = parseDockerOptions(call.argv);
  const reply = await ask(call, { do: "inspect-image", image: rest[0] ?? "" });
  if (reply.error !== undefined) {
    if (values["--format"] === undefined) call.out("[]\n");
    return complain(call, reply.error);
  }
  call.out(values["--format"] === undefined ? `${JSON.stringify([{ Id: reply["id"] }])}\n` : `${String(reply["id"])}\n`);
  return 0;
};

const images: Command = async (call) => {
  const reply = await ask(call, { do: "images" });
  call.out(`REPOSITORY:TAG\n${(reply["images"] as string[]).map((name) => `${name}\n`).join("")}`);
  return 0;
};

const logs: Command = async (call) => {
  const reply = await ask(call, { do: "logs", name: parseDockerOptions(call.argv).rest[0] ?? "" });
  if (reply.error !== undefined) return complain(call, reply.error);
  const printed = await ask(call, { do: "output", exec: String(reply["exec"]), out: 0, err: 0 });
  if (typeof printed["out"] === "string") call.out(printed["out"]);
  if (typeof printed["err"] === "string") call.err(printed["err"]);
  return 0;
};

const commands: Readonly<Record<string, Command>> = {
  run,
  exec,
  inspect,
  cp,
  ps,
  info,
  pull,
  images,
  logs,
  "image inspect": inspectImage,
  rm: onEach((name, flags) => ({ do: "remove", name, force: flags.has("-f") })),
  stop: onEach((name) => ({ do: "stop", name })),
  restart: onEach((name) => ({ do: "restart", name })),
  kill: onEach((name) => ({ do: "kill", name })),
};

/** NAME=VALUE words. */
function pairs(words: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(words.map((word) => [word.slice(0, word.indexOf("=")), word.slice(word.indexOf("=") + 1)]));
}
