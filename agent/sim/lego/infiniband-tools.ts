/** ibstat, iblinkinfo, sminfo and lspci of a machine with, or without, a ConnectX-3 (facts: LegoOS §9, preconditions). */
import type { RunningLinux, ToolHandler, ToolHandlers, ToolReply } from "../kernel.js";
import { LegoFabric } from "./fabric.js";

const guidOf = (lid: number): string => `0x0002c90300${lid.toString(16).padStart(6, "0")}`;

const ibstat: ToolHandler = (_, { hardware }) => {
  const port = hardware.infiniband;
  if (port === undefined)
    return reply({ exitCode: 255, stderr: "ibpanic: [1] main: stat of IB device '(null)' failed: No such file or directory\n" });
  LegoFabric.of(hardware.shared).registerPort(port.lid, hardware.node);
  const up = port.subnetManager;
  return reply({
    exitCode: 0,
    stdout: `CA 'mlx4_0'
	CA type: MT4099
	Number of ports: 2
	Firmware version: 2.35.5100
	Hardware version: 1
	Node GUID: ${guidOf(port.lid)}
	Port 1:
		State: ${up ? "Active" : "Initializing"}
		Physical state: LinkUp
		Rate: 56
		Base lid: ${up ? port.lid : 0}
		LMC: 0
		SM lid: ${up ? 1 : 0}
		Port GUID: ${guidOf(port.lid)}
		Link layer: InfiniBand
	Port 2:
		State: Down
		Physical state: Polling
		Rate: 10
		Base lid: 0
		Link layer: InfiniBand
`,
  });
};

/** Every machine seen on the subnet so far, itself included. */
const iblinkinfo: ToolHandler = (_, { hardware }) => {
  const port = hardware.infiniband;
  if (port?.subnetManager !== true) return reply({ exitCode: 1, stderr: "iblinkinfo: discover failed\n" });
  const fabric = LegoFabric.of(hardware.shared);
  fabric.registerPort(port.lid, hardware.node);
  const links = [...fabric.ports]
    .sort(([a], [b]) => a - b)
    .map(([lid, node], index) => {
      const left = `           1   ${String(index + 1).padStart(2)}[  ] ==( 4X      14.0625 Gbps Active/  LinkUp)==>`;
      return `${left}  ${String(lid).padStart(4)}    1[  ] "${node} mlx4_0" ( )`;
    });
  return reply({ exitCode: 0, stdout: `Switch: 0x0002c902004b1234 Infiniscale-IV Mellanox Technologies:\n${links.join("\n")}\n` });
};

const sminfo: ToolHandler = (_, { hardware }) =>
  reply(
    hardware.infiniband?.subnetManager === true
      ? { exitCode: 0, stdout: "sminfo: sm lid 1 sm guid 0x2c902004b1234, activity count 68911 priority 14 state 3 SMINFO_MASTER\n" }
      : { exitCode: 1, stderr: "sminfo: iberror: failed: query\n" },
  );

interface PciDevice {
  readonly slot: string;
  readonly classId: string;
  readonly className: string;
  readonly id: string;
  readonly name: string;
}

function pciDevices({ hardware }: RunningLinux): readonly PciDevice[] {
  const bridge = {
    slot: "00:00.0",
    classId: "0600",
    className: "Host bridge",
    id: "8086:2f00",
    name: "Intel Corporation Xeon E7 v3/Xeon E5 v3/Core i7 DMI2",
  };
  const adapter = {
    slot: "03:00.0",
    classId: "0280",
    className: "Network controller",
    id: "15b3:1003",
    name: "Mellanox Technologies MT27500 Family [ConnectX-3]",
  };
  return hardware.infiniband === undefined ? [bridge] : [bridge, adapter];
}

/** lspci [-n | -nn] [-d VENDOR:DEVICE] */
const lspci: ToolHandler = ({ argv }, linux) => {
  const wanted = argv.includes("-d") ? argv[argv.indexOf("-d") + 1] : undefined;
  const lines = pciDevices(linux)
    .filter((device) => wanted === undefined || device.id === wanted)
    .map(({ slot, classId, className, id, name }) => {
      if (argv.includes("-n")) return `${slot} ${classId}: ${id}\n`;
      return argv.includes("-nn") ? `${slot} ${className} [${classId}]: ${name} [${id}]\n` : `${slot} ${className}: ${name}\n`;
    });
  return reply({ exitCode: 0, stdout: lines.join("") });
};

function reply(answer: ToolReply): Promise<ToolReply> {
  return Promise.resolve(answer);
}

export const infinibandTools: ToolHandlers = { ibstat, iblinkinfo, sminfo, lspci };
