/** The processors of a machine as its firmware and its Linux name them, by architecture. Pure. */

const x86Model = "Intel(R) Xeon(R) CPU E5-2620 v3 @ 2.40GHz";

export function cpuModel(arch: string): string {
  return arch === "aarch64" ? "ARM Cortex-A53" : x86Model;
}

/** One processor's part of /proc/cpuinfo. */
export function cpuInfo(arch: string, index: number, processors: number): string {
  const fields = arch === "aarch64" ? armFields(index) : x86Fields(index, processors);
  return fields.map(([name, value]) => `${name.padEnd(Math.max(8, name.length))}\t: ${value}\n`).join("");
}

type Fields = readonly (readonly [name: string, value: string | number])[];

function x86Fields(index: number, processors: number): Fields {
  return [
    ["processor", index],
    ["vendor_id", "GenuineIntel"],
    ["cpu family", 6],
    ["model", 63],
    ["model name", x86Model],
    ["stepping", 2],
    ["cpu MHz", "2400.000"],
    ["cache size", "15360 KB"],
    ["siblings", processors],
    ["core id", index],
    ["cpu cores", processors],
    ["flags", "fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush mmx fxsr sse sse2 ht syscall nx lm"],
  ];
}

function armFields(index: number): Fields {
  return [
    ["processor", index],
    ["BogoMIPS", "38.40"],
    ["Features", "fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid"],
    ["CPU implementer", "0x41"],
    ["CPU architecture", 8],
    ["CPU variant", "0x0"],
    ["CPU part", "0xd03"],
    ["CPU revision", 4],
  ];
}
