/** Tools of the machine itself beside docker: sockets and mounts. */
import { faultsOf } from "../tools/surroundings.js";
import type { Tool } from "../tools/tool.js";

/** ss -H -lun: what containers with the host's network have bound is the machine's. */
export const ss: Tool = async (call) => {
  const reply = await call.machine.ask("udp", []);
  const faults = faultsOf(call);
  const ports = [
    68,
    ...(JSON.parse(reply.stdout ?? "[]") as number[]),
    ...(faults.has("daemon-port-taken") ? [5213] : []),
    ...(faults.has("client-port-taken") ? [10086] : []),
  ];
  for (const port of ports) call.out(`UNCONN 0      0            0.0.0.0:${port}       0.0.0.0:*\n`);
  return 0;
};

/** findmnt -rn -t tmpfs -o TARGET: mounts of containers are in namespaces of their own. */
export const findmnt: Tool = (call) => {
  for (const target of ["/dev/shm", "/run"]) call.out(`${target}\n`);
  return 0;
};
