/**
 * What an x86 Linux makes of an NMI nobody asked for, as a BMC's "diagnostic interrupt" is (arch/x86/kernel/nmi.c): with
 * kernel.unknown_nmi_panic or kernel.panic_on_unrecovered_nmi it panics, otherwise it says so and goes on.
 */

/** Bits of port 0x61 as most machines have them then. */
const reason = "3d";

export interface NmiMessages {
  readonly lines: readonly string[];
  readonly panics: boolean;
}

/** `release` and `commandLine` of the kernel; `setting`: a line of /etc/sysctl.conf. */
export function unknownNmi(kernel: { release: string; commandLine: string; setting: (name: string) => string | undefined }): NmiMessages {
  const { release, commandLine, setting } = kernel;
  const settings = ["kernel.unknown_nmi_panic", "kernel.panic_on_unrecovered_nmi"];
  const panics = commandLine.split(" ").includes("unknown_nmi_panic") || settings.some((name) => Number(setting(name) ?? "0") !== 0);
  const [major = 0] = release.split(".").map(Number);
  const received = [
    `Uhhuh. NMI received for unknown reason ${reason} on CPU 0.`,
    // Gone since Linux 6.
    ...(major < 6 ? ["Do you have a strange power saving mode enabled?"] : []),
  ];
  if (!panics) return { lines: [...received, "Dazed and confused, but trying to continue"], panics };
  const why = "NMI: Not continuing";
  const trace = [`CPU: 0 PID: 0 Comm: swapper/0 Not tainted ${release} #1`, "Call Trace:", " <NMI>  panic+0xe3/0x1f2", " <<EOE>>"];
  return { lines: [...received, `Kernel panic - not syncing: ${why}`, ...trace, `---[ end Kernel panic - not syncing: ${why}`], panics };
}

/** Seconds from a panic to the reboot that `panic=` or kernel.panic asks for; undefined = it stays as it is. */
export function rebootAfterPanicS(kernel: { commandLine: string; setting: (name: string) => string | undefined }): number | undefined {
  const [, asked] = /(?:^| )panic=(\d+)/.exec(kernel.commandLine) ?? [];
  const seconds = Number(asked ?? kernel.setting("kernel.panic") ?? "0");
  return seconds > 0 ? seconds : undefined;
}
