/**
 * What LegoOS managers print on their serial line, in order: patterns, time limits and what each proves (facts: LegoOS §6, §7).
 * Deployment and offline verdicts are put together from these; only what a line must *say* differs, so it is a parameter.
 */
import type { Expectation } from "../../deploy/recipe.js";

type Check = NonNullable<Expectation["check"]>;
const seconds = 1000;

/** First line of any kernel. A Linux banner in its place: the one-shot boot entry was not taken. */
export function banner(expected: { release: string | undefined; withinS: number }): Expectation {
  return {
    id: "banner",
    pattern: /^(LegoOS|Linux) version (\S+)/,
    where: "kernel",
    claim: "LegoOS runs, from the image of this run",
    withinMs: expected.withinS * seconds,
    check: ([, system, release]) => {
      if (system !== "LegoOS") return `Linux ${release} booted instead of LegoOS: the one-shot boot entry was not taken`;
      if (expected.release !== undefined && release !== expected.release)
        return `LegoOS ${release} booted, the image of this run is ${expected.release}`;
      return undefined;
    },
    outputs: ([, , release]) => ({ release: release ?? "" }),
  };
}

/** `memmap` undefined: not judged. */
export function commandLine(memmap?: string): Expectation {
  return {
    id: "command-line",
    pattern: /^Command line:(.*)$/,
    where: "kernel",
    claim: memmap === undefined ? "the kernel shows its command line" : `the planned boot entry was taken, memmap=${memmap} unquoted`,
    withinMs: 30 * seconds,
    check: ([, words = ""]) => (memmap === undefined ? undefined : judgeMemmap(words, memmap)),
  };
}

function judgeMemmap(words: string, memmap: string): string | undefined {
  const given = words.split(/\s+/).filter((word) => word.startsWith("memmap="));
  if (given.length === 0) return "no memmap= on the command line: the processor manager has no memory for its ExCache";
  if (given.length > 1) return `more than one memmap= on the command line: ${given.join(" ")}`;
  if (given[0]?.includes("\\") === true) return `${given[0]}: the boot loader's backslash reached the kernel`;
  return given[0] === `memmap=${memmap}` ? undefined : `${given[0]}, planned memmap=${memmap}`;
}

/** Only a memory manager prints it, before it knows the network. */
export const memoryManagerStarts: Expectation = {
  id: "thpool-buffer",
  pattern: /^Memory: thpool_buffer \[/,
  where: "kernel",
  claim: "this is the memory manager",
  withinMs: 30 * seconds,
};

export const schedulerUp: Expectation = {
  id: "scheduler",
  pattern: /^Scheduler is up and running/,
  where: "kernel",
  claim: "the scheduler runs",
  withinMs: 30 * seconds,
};

export const processorsUp: Expectation = {
  id: "cpus",
  pattern: /^x86: Booted up (\d+) nodes?, (\d+) CPUs?/,
  where: "kernel",
  claim: "all CPUs are up",
  withinMs: 30 * seconds,
  outputs: ([, , cpus]) => ({ cpus: Number(cpus) }),
};

export const hcaFound: Expectation = {
  id: "hca",
  pattern: /^mlx4_core: Initializing\b/,
  where: "kernel",
  claim: "the InfiniBand adapter was found",
  withinMs: 60 * seconds,
  optional: true,
};

export const hcaWorks: Expectation = {
  id: "hca-irq",
  pattern: /^mlx4_core: NOP command IRQ test passed/,
  where: "kernel",
  claim: "the InfiniBand adapter answers interrupts",
  withinMs: 60 * seconds,
  optional: true,
};

/** `planned` undefined: any id. */
export function localId(planned?: number): Expectation {
  return {
    id: "local-id",
    pattern: /^fit:\s*\*+\s+FIT_LOCAL_ID:\s*(\d+)/i,
    where: "kernel",
    claim: planned === undefined ? "the image has a FIT node id" : `the image is FIT node ${planned}`,
    withinMs: 60 * seconds,
    check: mustBe(1, planned, "FIT node id"),
    outputs: ([, id]) => ({ localId: Number(id) }),
  };
}

/** A row of the node table that is compiled in. */
export function tableRow(row: { id: number; name: string; lid: number; firstQpn: number }): Expectation {
  return {
    id: `table-row-${row.id}`,
    pattern: new RegExp(`^fit:\\s*\\*+\\s+${row.id}\\s+(\\S+)\\s+(\\d+)\\s+(\\d+)(?:\\s|$)`),
    where: "kernel",
    claim: `its node table has ${row.name} as node ${row.id}, with the LID read before the build`,
    withinMs: 10 * seconds,
    check: ([, name, lid, qpn]) =>
      name === row.name && Number(lid) === row.lid && Number(qpn) === row.firstQpn
        ? undefined
        : `the table says ${name}, LID ${lid}, QPN ${qpn}; planned are ${row.name}, LID ${row.lid}, QPN ${row.firstQpn}`,
  };
}

/** The barrier of §7: from here on the manager waits for the subnet manager, for ever if need be. */
export const waitsForSubnetManager: Expectation = {
  id: "waits-for-mad",
  pattern: /^fit:\s*Please wait for enough IB MAD\b/,
  where: "kernel",
  claim: "FIT has started and waits for the subnet manager",
  withinMs: 60 * seconds,
};

/** The port is up. The only line that carries the real LID. */
export function lidQueried(planned?: number): Expectation {
  return {
    id: "lid",
    pattern: /^fit:\s*Query returned LID:\s*(\d+)/,
    where: "kernel",
    claim: planned === undefined ? "the InfiniBand port is up" : "the InfiniBand port is up, with the LID the node table says",
    withinMs: 120 * seconds,
    check: mustBe(1, planned, "LID"),
    outputs: ([, lid]) => ({ lid: Number(lid) }),
  };
}

/** Says nothing about the peer: queue pairs are made on one's own side. `peer` undefined: any. */
export function queuePairsBuilt(peer?: { id: number; lid: number }): Expectation {
  return {
    id: peer === undefined ? "qp" : `qp-${peer.id}`,
    pattern: new RegExp(`^fit:\\s*\\*+\\s+Successfully built QP for node\\s+${peer?.id ?? "\\d+"}\\s+\\[LID:\\s*(\\d+)`),
    where: "kernel",
    claim: `queue pairs ${peer === undefined ? "" : `for node ${peer.id} `}are built on this side`,
    withinMs: 30 * seconds,
    check: mustBe(1, peer?.lid, "LID of the peer"),
  };
}

/** The blind wait is over and the only join message is sent: to each peer in turn, up to 20 s where it is not there yet. */
export function waitsForPeers(initialSleepS: number): Expectation {
  return {
    id: "waits-for-peers",
    pattern: /^fit:\s*Please wait other nodes to join\b/,
    where: "kernel",
    claim: "it waits for its peers",
    withinMs: (initialSleepS + 60) * seconds,
  };
}

/** Peers join in any order, and the barrier line after them counts them all. */
export const peerJoined: Expectation = {
  id: "joined",
  pattern: /^fit:\s*\.\.\. Node \[\s*(\d+)\] Joined\b/,
  where: "kernel",
  claim: "a peer has joined",
  withinMs: 90 * seconds,
  optional: true,
};

export const allJoined: Expectation = {
  id: "fit-ready",
  pattern: /^fit:\s*FIT layer ready to go!/,
  where: "kernel",
  claim: "every peer has joined",
  withinMs: 90 * seconds,
};

export const ethernetUp: Expectation = {
  id: "ethernet",
  pattern: /^FIT:\s*netif initialized/,
  where: "kernel",
  claim: "FIT's Ethernet interface is up",
  withinMs: 60 * seconds,
};

export const ethernetPolls: Expectation = {
  id: "ethernet-polls",
  pattern: /^FIT:\s*Dispatched FIT polling thread/,
  where: "kernel",
  claim: "FIT has started over Ethernet",
  withinMs: 60 * seconds,
};

export function ethernetPeer(optional: boolean): Expectation {
  return {
    id: "ethernet-peer",
    pattern: /^FIT:\s*Connected to node\s+(\d+)/,
    where: "kernel",
    claim: "a peer is connected",
    withinMs: 90 * seconds,
    optional,
  };
}

/** Only a processor manager prints it. Clearing the range takes a while: `rangeBytes` of memmap. */
export function cacheSetUp(rangeBytes: number): Expectation {
  return {
    id: "excache",
    pattern: /^Processor LLC Configurations:/,
    where: "kernel",
    claim: "this is the processor manager, and its ExCache is set up",
    withinMs: (30 + Math.ceil((10 * rangeBytes) / 2 ** 30)) * seconds,
  };
}

/** Only a memory manager prints it. */
export const workerUp: Expectation = {
  id: "worker",
  pattern: /^thpool: CPU\s+\d+\s+thpool-worker\d+ worker_id:\s*\d+ UP/,
  where: "kernel",
  claim: "this is the memory manager, and its worker runs",
  withinMs: 30 * seconds,
};

/** Both kinds print the same: which one it is, the line before tells. */
export const managerUp: Expectation = {
  id: "manager-up",
  pattern: /^Manager is up and running\./,
  where: "kernel",
  claim: "the manager is up",
  withinMs: 30 * seconds,
};

/** The user program writes. With a nonce, no earlier run and no other program could have written it. */
export function programOutput(nonce: string | undefined): Expectation {
  if (nonce === undefined)
    return {
      id: "program-output",
      pattern: /^STDOUT:\s*---\[/,
      where: "kernel",
      claim: "a user program prints (not proven to be this run's: its output carries no nonce)",
      withinMs: 60 * seconds,
    };
  return {
    id: "nonce",
    pattern: new RegExp(literal(nonce)),
    where: "program",
    claim: `the user program of this run printed its nonce ${nonce}`,
    withinMs: 60 * seconds,
  };
}

/** Text as a regular expression that matches exactly it. */
export function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}

function mustBe(group: number, planned: number | undefined, what: string): Check {
  return (match) =>
    planned === undefined || Number(match[group]) === planned ? undefined : `${what} is ${match[group]}, planned ${planned}`;
}
