/** Logging in from one simulated machine to another: options of ssh, keys, and the other machine as a place to work. */
import { readdirSync } from "node:fs";
import { faultsVariable } from "../tools/surroundings.js";
import { MachineView } from "../tools/machine-view.js";
import type { ToolCall } from "../tools/tool.js";
import type { RemoteMachine } from "./network.js";

export interface SshDestination {
  readonly user: string;
  readonly host: string;
  readonly port: number;
  readonly identity: string | undefined;
}

export interface SshArguments {
  readonly destination: SshDestination;
  readonly command: readonly string[];
}

const withArgument = /^-[bcDEeFIiJLlmOopQRSWw]$/;

/** Arguments of ssh; undefined when there is no destination among them. */
export function parseSsh(argv: readonly string[]): SshArguments | undefined {
  let [user, port, identity] = ["root", 22, undefined as string | undefined];
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? "";
    if (word === "-p") port = Number(argv[(index += 1)]);
    else if (word === "-i") identity = argv[(index += 1)];
    else if (word === "-l") user = argv[(index += 1)] ?? "";
    else if (withArgument.test(word)) index += 1;
    else if (!word.startsWith("-")) {
      const [, named, host = ""] = /^(?:([^@]*)@)?(.*)$/.exec(word) ?? [];
      return { destination: { user: named ?? user, host, port, identity }, command: argv.slice(index + 1) };
    }
  }
  return undefined;
}

/** The other machine, seen from its login directory; undefined when there is no getting in: the reason has been printed. */
export async function logIn(call: ToolCall, destination: SshDestination): Promise<ToolCall | undefined> {
  const { user, host, port } = destination;
  const reply = await call.machine.ask("ssh-find", [host, String(port), user]);
  if (reply.exitCode !== 0 || reply.stdout === undefined) {
    call.err(reply.stderr ?? "");
    return undefined;
  }
  const { node, rootDirectory, faults } = JSON.parse(reply.stdout) as RemoteMachine;
  const home = user === "root" ? "/root" : `/home/${user}`;
  const machine = new MachineView({
    rootDirectory,
    cwd: home,
    ask: (request) => call.machine.ask("ssh-ask", [node, JSON.stringify(request)]),
  });
  if (!isAuthorized(call.machine, destination.identity, machine.read(`${home}/.ssh/authorized_keys`))) {
    call.err(`${user}@${host}: Permission denied (publickey,password).\n`);
    return undefined;
  }
  const kept = Object.fromEntries(Object.entries(call.env).filter(([name]) => name.startsWith("LABD_SIM_")));
  return { ...call, machine, env: { ...kept, [faultsVariable]: faults.join(",") } };
}

/** One of our public keys must be among theirs. */
function isAuthorized(machine: MachineView, identity: string | undefined, authorizedKeys: string | undefined): boolean {
  const directory = "/root/.ssh";
  const names = machine.exists(directory) ? readdirSync(machine.host(directory)) : [];
  const files =
    identity === undefined ? names.filter((name) => /^id_\w+\.pub$/.test(name)).map((name) => `${directory}/${name}`) : [`${identity}.pub`];
  return files.some((file) => {
    const key = machine.read(file)?.trim().split(/\s+/)[1];
    return key !== undefined && authorizedKeys?.includes(key) === true;
  });
}
