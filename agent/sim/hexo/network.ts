/** The kernel's half of ssh, rsync and ping: finds the other machine by its address, and carries what is asked of its kernel. */
import type { RunningLinux, ToolHandler, ToolHandlers, ToolRequest } from "../kernel.js";
import { type Neighbour, neighbours } from "../machine/neighbours.js";

/** What a login gives. */
export interface RemoteMachine {
  readonly node: string;
  readonly rootDirectory: string;
  readonly faults: readonly string[];
}

const failed = (stderr: string) => Promise.resolve({ exitCode: 255, stderr: `${stderr}\n` });

/** ssh-find HOST PORT USER → RemoteMachine as JSON, or ssh's own words. */
const find: ToolHandler = ({ argv: [host = "", port = "22", user = ""] }, linux) => {
  const machine = at(linux, host, Number(port));
  if (machine === undefined && !knowsAddress(linux, host))
    return failed(`ssh: Could not resolve hostname ${host}: Name or service not known`);
  if (machine === undefined) return failed(`ssh: connect to host ${host} port ${port}: Connection refused`);
  if (!machine.isUp()) return failed(`ssh: connect to host ${host} port ${port}: No route to host`);
  if (!machine.users.includes(user) || machine.faults.includes("ssh-refused"))
    return failed(`${user}@${host}: Permission denied (publickey,password).`);
  const { node, rootDirectory, faults } = machine;
  return Promise.resolve({ exitCode: 0, stdout: JSON.stringify({ node, rootDirectory, faults } satisfies RemoteMachine) });
};

/** ssh-ask NODE REQUEST: asks that machine's kernel. */
const forward: ToolHandler = ({ argv: [node = "", request = "{}"] }, linux) => {
  const machine = neighbours(linux.hardware.shared).find((each) => each.node === node);
  if (machine?.isUp() !== true) return failed(`client_loop: send disconnect: Broken pipe`);
  return machine.ask(JSON.parse(request) as ToolRequest);
};

const ping: ToolHandler = ({ argv }, linux) => {
  const host = argv.at(-1) ?? "";
  const loopback = host.startsWith("127.");
  const machine = neighbours(linux.hardware.shared).find((each) => each.address === host);
  if (!loopback && machine?.isUp() !== true) {
    return Promise.resolve({ exitCode: 1, stdout: `PING ${host}\n\n1 packets transmitted, 0 received, 100% packet loss, time 0ms\n` });
  }
  const stdout = `PING ${host}\n64 bytes from ${host}: icmp_seq=1 ttl=64 time=0.21 ms\n\n1 packets transmitted, 1 received, 0% packet loss, time 0ms\n`;
  return Promise.resolve({ exitCode: 0, stdout });
};

function at(linux: RunningLinux, host: string, port: number): Neighbour | undefined {
  return others(linux).find((each) => (each.address === host || each.node === host) && each.sshPort === port);
}

function knowsAddress(linux: RunningLinux, host: string): boolean {
  return /^[\d.]+$/.test(host) || others(linux).some((each) => each.address === host || each.node === host);
}

function others(linux: RunningLinux): readonly Neighbour[] {
  return neighbours(linux.hardware.shared).filter((each) => each.node !== linux.hardware.node);
}

export const networkHandlers: ToolHandlers = { "ssh-find": find, "ssh-ask": forward, ping };
