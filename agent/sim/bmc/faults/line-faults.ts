/** Faults of the way to a BMC, and of its network interface: they see datagrams and nothing in them. */
import { fault, type FaultGround, type FaultKind, type Passage } from "./fault.js";
import { share, time } from "./fault-value.js";

const duplicateAfterMs = 5;
const heldBackMs = 30;
const mostFlippedBits = 3;

export const lineFaults: readonly FaultKind[] = [
  fault({
    name: "drop",
    does: "loses a share of all datagrams, in both directions",
    value: share(0.2),
    begin: (lost, { random }) => ({ passages: (datagram) => (random() < lost ? [] : [at(datagram, 0)]) }),
  }),
  fault({
    name: "duplicate",
    does: `a share of all datagrams comes twice, the second time ${duplicateAfterMs} ms later`,
    value: share(0.3),
    begin: (doubled, { random }) => ({
      passages: (datagram) => (random() < doubled ? [at(datagram, 0), at(datagram, duplicateAfterMs)] : [at(datagram, 0)]),
    }),
  }),
  fault({
    name: "reorder",
    does: `holds a share of all datagrams back for ${heldBackMs} ms: those behind them come first`,
    value: share(0.3),
    begin: (held, { random }) => ({ passages: (datagram) => [at(datagram, random() < held ? heldBackMs : 0)] }),
  }),
  fault({
    name: "delay",
    does: "every datagram takes this much longer, in both directions",
    value: time(300),
    begin: (delayMs) => ({ passages: (datagram) => [at(datagram, delayMs)] }),
  }),
  fault({
    name: "corrupt",
    does: `flips one to ${mostFlippedBits} bits in a share of all datagrams, in both directions`,
    value: share(0.2),
    begin: (spoilt, { random }) => ({
      passages: (datagram) => [at(random() < spoilt ? flipBits(datagram, random) : datagram, 0)],
    }),
  }),
  fault({
    name: "reboot-bmc",
    does: "the BMC restarts now, once: it forgets its sessions and is silent for this long",
    value: time(60_000),
    begin(silentMs, ground) {
      ground.forgetSessions();
      ground.after(silentMs, () => ground.over());
      return { passages: () => [] };
    },
  }),
];

function at(datagram: Uint8Array, afterMs: number): Passage {
  return { datagram, afterMs };
}

function flipBits(datagram: Uint8Array, random: FaultGround["random"]): Uint8Array {
  const spoilt = Uint8Array.from(datagram);
  const flips = 1 + Math.floor(random() * mostFlippedBits);
  for (let flip = 0; flip < flips; flip += 1) {
    const bit = Math.floor(random() * spoilt.length * 8);
    spoilt[bit >> 3] = (spoilt[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  }
  return spoilt;
}
