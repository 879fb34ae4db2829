/** Ways in which a Redfish service misbehaves, by name. Each was seen in the field or is allowed by DSP0266. */

export const redfishFaults = [
  /** No session is left. */
  "session-limit",
  /** The session of the request has just been forgotten. */
  "token-expired",
  /** There are no sessions: neither in the service root nor at the usual place. */
  "only-basic",
  /** There is a session service, and it opens no sessions. */
  "sessions-refused",
  /** A wrong password is told back. */
  "echoes-password",
  /** Replies come late, by `slowMs`. */
  "slow",
  /** There is no reply, ever. */
  "silent",
  /** A reset is carried out, and the connection closed instead of a reply. */
  "drops-reply",
  /** A reset is carried out and answered with 500. */
  "breaks-after-acting",
  /** A reset is answered with 202 and a task. */
  "answers-with-task",
  /** 503, come again. */
  "busy",
  /** Every reply is a redirection to another host. */
  "redirects",
  /** Replies are far too long. */
  "endless-reply",
  /** There is a second system. */
  "several-systems",
  /** What may be reset to is told nowhere. */
  "no-allowable-values",
  /** ... is told by @Redfish.ActionInfo only. */
  "action-info",
  /** On when on and ForceOff when off are refused. */
  "refuses-same-state",
  /** The state asked for is told as soon as it was asked for. */
  "lies-about-power",
  /** PowerState is null. */
  "forgets-power",
  /** If-Match with the weak tag that was given does not match. */
  "strict-etag",
  /** Of lights there is only the older IndicatorLED. */
  "old-light",
  /** The entries of a log are links. */
  "linked-entries",
  /** Neither light, log, sensors, boot override nor managers. */
  "bare",
] as const;

export type RedfishFault = (typeof redfishFaults)[number];

export class RedfishFaults {
  readonly #left = new Map<RedfishFault, number>();

  /** From now on, for so many times. */
  inject(fault: RedfishFault, times = Number.POSITIVE_INFINITY): void {
    this.#left.set(fault, times);
  }

  clear(fault: RedfishFault): void {
    this.#left.delete(fault);
  }

  has(fault: RedfishFault): boolean {
    return (this.#left.get(fault) ?? 0) > 0;
  }

  /** True when it strikes now; it has done so once more then. */
  strikes(fault: RedfishFault): boolean {
    const left = this.#left.get(fault) ?? 0;
    if (left > 0) this.#left.set(fault, left - 1);
    return left > 0;
  }
}
