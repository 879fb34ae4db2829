/** Lines that mean LegoOS has failed, beside the crash lines every kernel shares (facts: LegoOS §6). Matched without the time stamp. */
import type { FailureLine } from "../../deploy/recipe.js";

function line(pattern: RegExp, meaning: string): FailureLine {
  return { pattern, where: "kernel", meaning };
}

/** A line in the middle of a message of several: only the first of them has a time stamp. */
function innerLine(pattern: RegExp, meaning: string): FailureLine {
  return { pattern, where: "any", meaning };
}

/** First match wins: the panics whose cause is known stand before what any of them would match. */
export const failureLines: readonly FailureLine[] = [
  line(/^fit:\s+Empty hostname on node/, "the node table built in names fewer nodes than CONFIG_FIT_NR_NODES; the kernel panics next"),
  line(
    /^fit:\s+(?:Wrong|Duplicated) hostname/,
    "the node table built in names a node that is not in its list, or one twice; the kernel panics next",
  ),
  line(
    /Kernel Panic - not syncing: Please check your network config!/i,
    "the node table built into this image is wrong (an empty, unknown or double name)",
  ),
  line(
    /Kernel Panic - not syncing: .*memmap \$ needed/i,
    "the processor manager was booted without memmap=SIZE$START: check the boot entry",
  ),
  line(
    /Kernel Panic - not syncing: .*Initial alloc qpn/i,
    "queue pair numbers have passed CONFIG_FIT_FIRST_QPN before FIT started: power-cycle, or raise fitFirstQpn",
  ),
  innerLine(
    /^(?:fit:\s*)?\*{3}\s+Current LID:.*Table LID:/,
    "the node's LID has changed since the image was built (the subnet manager was restarted?), or two nodes have the same id: deploy again",
  ),
  line(/^Machine halted\./, "the kernel has stopped for good; only a power cycle ends this"),
  line(
    /ibapi_send_reply\(\).*\btimeout \(|net_send_reply_timeout\(\)/,
    "a peer did not answer within CONFIG_FIT_MAX_RPC_TIMEOUT_SEC: look at the other node's console",
  ),
  innerLine(
    /^\*{5} Fail to to get the CQE from send_cq\b/,
    "a peer is not there: it did not start, or too late; LegoOS never tries again, all nodes must be restarted",
  ),
  line(/\bwc\.status:/, "an InfiniBand connection failed; LegoOS retries for ever"),
  line(/\bfail to connect to node\b/, "an InfiniBand connection failed; LegoOS retries for ever"),
  line(/^watchdog: worker\[.*stucked/, "a worker of the memory manager hangs in a request"),
  line(/\bUnknown: opcode: .*from node:/, "a peer sent a request this image does not know: the images are not from the same source"),
  line(/^\S+\[\d+\]: segfault at\b/, "the user program crashed (segmentation fault)"),
  line(/^\S+\[\d+\] (?:trap \S|general protection)|\bgeneral protection ip:/, "the user program crashed (trap)"),
];
