/** What a proxy and its guest print when something is wrong (facts: HEXO §3, §4). It is on their output, not on a serial line. */
import type { FailureLine } from "../../deploy/recipe.js";

export interface OutputFailure {
  readonly pattern: RegExp;
  readonly meaning: string;
}

export const outputFailures: readonly OutputFailure[] = [
  {
    pattern: /Could not open: \/dev\/kvm/,
    meaning: "the proxy may not read and write /dev/kvm: load kvm, and put the user of the agent into its group",
  },
  { pattern: /\bMIGERR\b/, meaning: "the proxy reports that the migration has failed; undeploy, then deploy again" },
  {
    pattern: /Cannot restore/,
    meaning:
      "the proxy cannot restore the checkpoint: FULL_CHKPT_SAVE and FULL_CHKPT_RESTORE must be the same on both sides, the files all there",
  },
  {
    pattern: /Page (?:request send|receive) failed/,
    meaning:
      "the proxy cannot get pages from the source: SERVER must be its numeric IPv4 address, PORT open, the source alive and without another client",
  },
  {
    pattern: /Cannot open\/create status file/,
    meaning: "the proxy may not write into its working directory",
  },
];

/** What the serial console of either machine may say of its Linux. */
export const failureLines: readonly FailureLine[] = [
  {
    pattern: /Out of memory: Kill(?:ed)? process \d+ \(proxy\)/,
    where: "kernel",
    meaning: "Linux had no memory left for the unikernel and has killed it: a smaller mem, or a bigger machine",
  },
];

/** A dead guest gives this too, with exit code 0: it proves nothing, and where the guest must live it says the opposite. */
export const guestHalted = /Guest has halted the CPU/;
