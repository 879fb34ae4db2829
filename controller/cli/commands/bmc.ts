/** lab bmc: what a BMC can do beside power and console. */
import { FailedError, InvalidArgumentError } from "../../../proto/base/errors.js";
import { foldNames } from "../../../inventory/nodeset.js";
import { bootText, isBad, logLines, reportLines, sensorLines } from "../bmc-lines.js";
import { confirm } from "../confirm.js";
import { type Context, show, withLab } from "../context.js";
import { askAll, nodeNames, tell } from "./power.js";

const probeMs = 90_000;
/** A BMC that answers is probed within a second or two; whoever waits longer is told why. */
const noteMs = 2_000;
const readingMs = 130_000;
const longestIdentifyS = 255;

export async function probe(context: Context, node: string): Promise<void> {
  const note = () =>
    context.terminal.note(`probing ${node}: every question that is met with silence costs seconds, a minute at most in all`);
  const timer = context.terminal.interactive && !context.json ? context.clock.after(noteMs, note) : undefined;
  const report = await withLab(context, (lab) => lab.bmc.probeBmc({ node }, { signal: context.signal, deadlineMs: probeMs })).finally(() =>
    timer?.cancel(),
  );
  show(context, { node, ...report }, () => reportLines(node, report, context.terminal.style));
}

export type Light = { readonly seconds: number; readonly forever: boolean };

/** "30s", "2m" or "30" → seconds. Throws InvalidArgumentError beyond what a BMC can count. */
export function lightSeconds(text: string): number {
  const [, count, unit] = /^(\d+)(s|m|min)?$/.exec(text) ?? [];
  const seconds = Number(count) * (unit === "m" || unit === "min" ? 60 : 1);
  if (!(seconds >= 1 && seconds <= longestIdentifyS)) {
    throw new InvalidArgumentError(`--for ${text}: give 1s to ${longestIdentifyS}s, or --forever`);
  }
  return seconds;
}

export async function identify(context: Context, nodeset: string, light: Light): Promise<void> {
  const words = light.forever ? "lit until switched off with --off" : light.seconds === 0 ? "off" : `lit for ${light.seconds} s`;
  await withLab(context, async (lab) => {
    const names = await nodeNames(lab, nodeset, context.signal);
    const answers = await askAll(context, names, undefined, async (node) => {
      await lab.bmc.identify({ node, ...light }, { signal: context.signal });
      return { node, words, facts: { node, ...light } };
    });
    tell(context, answers, (failed) => `the identify light of ${foldNames(failed)} could not be switched`);
  });
}

export async function eventLog(context: Context, node: string, limit: number): Promise<void> {
  const { terminal } = context;
  const log = await withLab(context, (lab) => lab.bmc.readEventLog({ node, limit }, { signal: context.signal, deadlineMs: readingMs }));
  show(context, { node, ...log }, () => (log.entries.length === 0 ? ["the event log is empty"] : logLines(log.entries, terminal.style)));
  if (context.json) return;
  if (log.entries.length < log.count) terminal.note(`the newest ${log.entries.length} of ${log.count} entries; more with -n ${log.count}`);
  if (log.overflow) terminal.note("entries were lost: the log is full");
}

export async function sensors(context: Context, node: string, { bad }: { bad: boolean }): Promise<void> {
  const { sensors: all } = await withLab(context, (lab) =>
    lab.bmc.readSensors({ node }, { signal: context.signal, deadlineMs: readingMs }),
  );
  const shown = bad ? all.filter(isBad) : all;
  show(context, { node, sensors: shown }, () => {
    if (shown.length > 0) return sensorLines(shown, context.terminal.style);
    const silent = all.filter((each) => each.status === "not available").length;
    return [all.length === 0 ? "it tells of no sensors" : `nothing wrong with ${all.length} sensors (${silent} not available)`];
  });
}

export async function interrupt(context: Context, node: string, { yes }: { yes: boolean }): Promise<void> {
  if (!yes) await confirm(context, `a diagnostic interrupt makes most operating systems of ${node} panic, dump or restart`);
  await withLab(context, (lab) => lab.bmc.interrupt({ node, fence: undefined }, { signal: context.signal }));
  show(context, { node, sent: true }, () => [`sent to ${node}, once; its console shows what comes of it: lab tail ${node} -f`]);
}

export interface WantedBoot {
  /** Undefined = only shows what is set. */
  readonly device: string | undefined;
  readonly persistent: boolean;
  readonly efi: boolean;
}

export async function boot(context: Context, nodeset: string, { device, persistent, efi }: WantedBoot): Promise<void> {
  if (device === undefined && (persistent || efi)) throw new InvalidArgumentError("--persistent and --efi need a device to boot from");
  const { signal } = context;
  await withLab(context, async (lab) => {
    const names = await nodeNames(lab, nodeset, signal);
    const answers = await askAll(context, names, undefined, async (node) => {
      if (device === undefined) {
        const set = await lab.bmc.getBootOverride({ node }, { signal });
        return { node, words: bootText(set), facts: { node, ...set } };
      }
      const set = await lab.bmc.setBootOverride({ node, boot: { device, persistent, efi }, fence: undefined }, { signal });
      if (set.device !== device)
        throw new FailedError(`${node}: ${device} was set, and the BMC reads back ${bootText(set)}; set it in its firmware`);
      const differs = device !== "none" && (set.persistent !== persistent || set.efi !== efi) ? "  (not as asked)" : "";
      return { node, words: `${bootText(set)}${differs}`, facts: { node, ...set } };
    });
    tell(context, answers, (failed) => `what ${foldNames(failed)} boots from could not be ${device === undefined ? "read" : "set"}`);
  });
  if (device !== undefined && device !== "none" && !context.json) {
    context.terminal.note("some BMCs forget this after 60 s: reset or cycle the machine soon");
  }
}
