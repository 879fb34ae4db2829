/** lab bmc on the command line. */
import type { Command } from "commander";
import { Option } from "commander";
import { boot, eventLog, identify, interrupt, type Light, lightSeconds, probe, sensors } from "./commands/bmc.js";
import { positive } from "./option-values.js";
import type { Does } from "./program.js";

export function addBmc(program: Command, does: Does): void {
  const bmc = program.command("bmc").description("what a BMC can do beside power and console");
  bmc
    .command("probe <node>")
    .description("who a BMC is, what works, what is wrong, and its inventory entry; changes nothing")
    .addHelpText("after", "\nExample:\n  lab bmc probe p0")
    .action(does((context, node: string) => probe(context, node)));
  bmc
    .command("identify <nodeset>")
    .description("light the identify LED, to find the machine in its rack")
    .addOption(new Option("--for <time>", "how long, up to 255s").default("60s").conflicts(["off", "forever"]))
    .addOption(new Option("--off", "switch it off").default(false).conflicts(["forever"]))
    .option("--forever", "until it is switched off; not every BMC can", false)
    .addHelpText("after", "\nExample:\n  lab bmc identify p0 --for 30s")
    .action(
      does((context, nodeset: string, options: { for: string; off: boolean; forever: boolean }) =>
        identify(context, nodeset, lightOf(options)),
      ),
    );
  bmc
    .command("log <node>")
    .description("the newest entries of the system event log (SEL), oldest first")
    .addOption(new Option("-n, --lines <count>", "how many").default(50).argParser(positive))
    .addHelpText("after", "\nExample:\n  lab bmc log p0 -n 20")
    .action(does((context, node: string, options: { lines: number }) => eventLog(context, node, options.lines)));
  bmc
    .command("sensors <node>")
    .description("temperatures, fans, voltages, supplies…")
    .option("--bad", "only what is wrong", false)
    .addHelpText("after", "\nExample:\n  lab bmc sensors p0 --bad")
    .action(does((context, node: string, options: { bad: boolean }) => sensors(context, node, options)));
  bmc
    .command("nmi <node>")
    .description("send a diagnostic interrupt, once: a hung kernel may dump or panic")
    .option("--yes", "without asking", false)
    .addHelpText("after", "\nExample:\n  lab bmc nmi p0 --yes")
    .action(does((context, node: string, options: { yes: boolean }) => interrupt(context, node, options)));
  bmc
    .command("boot <nodeset> [device]")
    .description("what the firmware boots from: shown, or set and read back (none, pxe, disk, cdrom, setup, diagnostics…)")
    .option("--persistent", "for every boot, not only the next", false)
    .option("--efi", "as a UEFI boot", false)
    .addHelpText("after", "\nExample:\n  lab bmc boot p0 pxe --efi\n  lab power cycle p0")
    .action(
      does((context, nodeset: string, device: string | undefined, options: { persistent: boolean; efi: boolean }) =>
        boot(context, nodeset, { device, ...options }),
      ),
    );
}

function lightOf({ for: time, off, forever }: { for: string; off: boolean; forever: boolean }): Light {
  return { seconds: off || forever ? 0 : lightSeconds(time), forever };
}
