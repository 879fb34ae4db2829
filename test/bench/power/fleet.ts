/** Power of many BMCs as a site agent has it: one transport, one pool of sessions, verified acts kept on disk. Drives all at once. */
import { randomBytes, randomUUID } from "node:crypto";
import { Acts } from "../../../agent/drivers/power/acts.js";
import { PowerGate } from "../../../agent/drivers/power/gate.js";
import { openIpmiPower } from "../../../agent/drivers/power/ipmi.js";
import { VerifiedPower } from "../../../agent/drivers/power/verified.js";
import { WearFile } from "../../../agent/drivers/power/wear-file.js";
import { BmcPool } from "../../../agent/drivers/bmc.js";
import { UdpTransport, type BmcOptions } from "../../../agent/ipmi/index.js";
import type { Power, PowerDevice, PowerReading } from "../../../agent/ports/power.js";
import { systemClock } from "../../../proto/base/clock.js";
import { describeError } from "../../../proto/base/errors.js";
import { silentLogger } from "../../../proto/base/logger.js";
import { login } from "../farm/simulator-files.js";

export interface FleetBmc {
  readonly node: string;
  readonly address: string;
  readonly port: number;
}

export type FleetVerb = "on" | "off" | "cycle";

/** What all BMCs together came to. */
export interface FleetOutcome {
  readonly succeeded: number;
  /** One text each for those that failed. */
  readonly complaints: readonly string[];
}

/** A site agent's defaults. */
const settleMs = 5_000;
const pollMs = 500;
const window = 64;
/** A chassis may be slow, and its BMC busy with others' commands. */
const deadlineMs = 120_000;

interface Fleet {
  readonly pool: BmcPool;
  readonly transport: UdpTransport;
  readonly devices: readonly PowerDevice[];
}

function openFleet(bmcs: readonly FleetBmc[]): Fleet {
  const transport = new UdpTransport();
  const pool = new BmcPool({ clock: systemClock, log: silentLogger, transport, random: (length) => randomBytes(length) });
  return { pool, transport, devices: bmcs.map((bmc) => openIpmiPower(pool, bmcOptions(bmc))) };
}

async function closeFleet({ pool, transport }: Fleet): Promise<void> {
  await pool.close();
  await transport.close();
}

/** Sessions that are kept, and power over them. */
export class KeptFleet {
  readonly #fleet: Fleet;
  readonly #powers: readonly Power[];

  private constructor(fleet: Fleet, powers: readonly Power[]) {
    this.#fleet = fleet;
    this.#powers = powers;
  }

  static async open(bmcs: readonly FleetBmc[], actsDirectory: string): Promise<KeptFleet> {
    const acts = await Acts.open(actsDirectory);
    const fleet = openFleet(bmcs);
    const wear = await WearFile.open(`${actsDirectory}-wear.json`, systemClock);
    const gate = new PowerGate({ clock: systemClock, log: silentLogger, window, settleMs, wear });
    const console = { endOffset: () => 0, markPower: () => 0 };
    const powers = fleet.devices.map((device, i) => {
      const node = bmcs[i]!.node;
      return new VerifiedPower({ node, device, gate, acts, console, clock: systemClock, log: silentLogger, pollMs });
    });
    return new KeptFleet(fleet, powers);
  }

  read(): Promise<FleetOutcome> {
    return outcome(this.#powers.map((power) => power.read()));
  }

  set(verb: FleetVerb): Promise<FleetOutcome> {
    const wanted = verb === "off" ? "off" : "on";
    const acts = this.#powers.map(async (power) => {
      const { after, acted } = await power.set({ verb, key: randomUUID(), deadlineMs, queueMs: deadlineMs });
      if (after !== wanted || !acted) throw new Error(`it is ${after}, ${acted ? "acted" : "without an act"}`);
    });
    return outcome(acts);
  }

  close(): Promise<void> {
    return closeFleet(this.#fleet);
  }
}

/** Log in, read the state, close the session: what a program that is started for each question does. */
export async function readWithNewSessions(bmcs: readonly FleetBmc[]): Promise<FleetOutcome> {
  const fleet = openFleet(bmcs);
  try {
    return await outcome(
      fleet.devices.map(async (device): Promise<PowerReading> => {
        const reading = await device.read();
        await device.close();
        return reading;
      }),
    );
  } finally {
    await closeFleet(fleet);
  }
}

/** The suite is given, as it is to the other tools: ipmi_sim has 3 and not 17. */
function bmcOptions({ address, port }: FleetBmc): BmcOptions {
  return { address, port, ...login, privilege: "operator", cipherSuites: [3] };
}

async function outcome(all: readonly Promise<unknown>[]): Promise<FleetOutcome> {
  const settled = await Promise.allSettled(all);
  const complaints = settled.flatMap((each) => (each.status === "rejected" ? [describeError(each.reason)] : []));
  return { succeeded: all.length - complaints.length, complaints };
}
