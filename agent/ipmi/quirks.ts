/**
 * Named workarounds for BMCs that deviate from the specification, as data: by FreeIPMI's names where it has one. `docs/bmc-quirks.md` and
 * `lab bmc probe` print this table; a node's inventory entry selects from it. Workarounds of IPMI v1.5 sessions and of suites
 * without encryption are not here, because neither is spoken.
 */
import { InvalidArgumentError } from "../../proto/base/errors.js";

export interface QuirkEntry {
  readonly name: string;
  /** What the device does, as seen from outside. */
  readonly symptom: string;
  /** What labd then does. */
  readonly does: string;
  /** Where it was reported: "Supermicro X8DTH". None of them was tested here. */
  readonly devices: readonly string[];
  /** Who said so. */
  readonly source: string;
  /**
   * "always": done for every BMC, because it hurts none; naming it changes nothing. "automatic": found out by labd and kept while it runs;
   * naming it saves the finding out. "by hand": only where the inventory names it.
   */
  readonly learned: "always" | "automatic" | "by hand";
}

const freeIpmi = "FreeIPMI, ipmiconsole(8) and its list of bugs and workarounds";

export const quirkTable = [
  {
    name: "opensesspriv",
    symptom: "computes keys with the privilege of Open Session instead of RAKP 1's; a right password looks wrong",
    does: "names the same privilege in both",
    devices: [
      "Supermicro X8DTH, X8DTG, X8DTU",
      "Dell C5220, Xanadu II",
      "Intel S5500WBV, S2600JF",
      "Quanta QSSC-S4R",
      "Sun Fire 4100",
      "OpenIPMI ipmi_sim",
    ],
    source: freeIpmi,
    learned: "always",
  },
  {
    name: "authcap",
    symptom: "Get Channel Authentication Capabilities tells user names, K_g or authentication types wrongly",
    does: "reads nothing from it but that the BMC speaks IPMI v1.5 only",
    devices: ["Asus P5M2, P5MT-R, RS162-E4, RX4", "Intel SR1520ML, X38ML", "Sun Fire 2200, 4150, 4450"],
    source: freeIpmi,
    learned: "always",
  },
  {
    name: "suiterefusal",
    symptom: "refuses a cipher suite with 0x01, 0x0a or 0x12 instead of 0x11, with another suite's algorithms, or with silence",
    does: "tries the next suite of the list; after silence, once the time of two attempts is over",
    devices: ["Supermicro X8DTG (0x0a)", "MSI MS-91D2 (0x12)", "Intel M50CYP (0x01)", "pyghmi's BMC (other algorithms)"],
    source: "FreeIPMI's list of bugs; bmclib's pull request 324",
    learned: "always",
  },
  {
    name: "sourceport",
    symptom: "ignores a login repeated from the same UDP port",
    does: "repeats a login from another port",
    devices: ["Intel SR870BN4"],
    source: "FreeIPMI's list of bugs",
    learned: "always",
  },
  {
    name: "noauthcap",
    symptom: "answers Open Session, but Get Channel Authentication Capabilities not at all or wrongly",
    does: "starts with Open Session",
    devices: [],
    source: "FreeIPMI skips it on request; no device is named",
    learned: "automatic",
  },
  {
    name: "privlookup",
    symptom: "knows the user only when looked up by name and privilege",
    does: "does not ask for name-only lookup in RAKP 1",
    devices: ["Intel SE7520AF2 (as part of intel20)"],
    source: "IPMI v2.0 §13.20; FreeIPMI's list of bugs",
    learned: "automatic",
  },
  {
    name: "intel20",
    symptom: "wants the user name filled to 16 bytes, cuts passwords to 16 bytes with the MD5 suites, refuses name-only lookup",
    does: "does the same; suite 12 does not work there, because its RAKP 4 check follows no known formula",
    devices: ["Intel SE7520AF2 with Server Management Module (Professional Edition)"],
    source: freeIpmi,
    learned: "automatic",
  },
  {
    name: "supermicro20",
    symptom: "the codes of RAKP 2 or RAKP 4 are one byte too long",
    does: "compares as many bytes as the suite has, and wants all of those right",
    devices: ["Supermicro H8QME with SIMSO (Peppercon firmware)"],
    source: freeIpmi,
    learned: "automatic",
  },
  {
    name: "sun20",
    symptom: "the codes of RAKP 2 or RAKP 4 are several bytes too long; cipher suite records have wrong tags",
    does: "compares as many bytes as the suite has, and wants all of those right; reads no more of the records than their numbers",
    devices: ["Sun Fire 4100, 4200, 4500 with ILOM"],
    source: freeIpmi,
    learned: "automatic",
  },
  {
    name: "highprivilege",
    symptom: "refuses a session at a lower privilege than the user's",
    does: "asks for the user's highest, then sets the session to the privilege of the inventory",
    devices: ["early Tyan boards"],
    source: "FreeIPMI's list of bugs, where asking for the highest is the default",
    learned: "by hand",
  },
  {
    name: "nochecksumcheck",
    symptom: "checksums inside its messages are wrong",
    does: "reads such a message when the session's integrity code vouches for it, and what it says of itself before there is a session",
    devices: ["Supermicro X9SCM-iiF, X9DRi-F, X9DRFR"],
    source: freeIpmi,
    learned: "automatic",
  },
  {
    name: "solpayloadsize",
    symptom: "Activate Payload tells packet sizes that make no sense: 0, 16384, or with their bytes swapped",
    does: "uses a size every serial port can take",
    devices: [
      "Asus P5M2, RS162-E4, RX4",
      "Intel SR1520ML, X38ML",
      "Dell Xanadu II",
      "Sun X4100",
      "Supermicro X8DTH, X8DTG, X8DTU",
      "Quanta QSSC-S4R",
      "OpenIPMI ipmi_sim",
      "pyghmi's BMC",
    ],
    source: freeIpmi,
    learned: "automatic",
  },
  {
    name: "solport",
    symptom: "Activate Payload tells a UDP port that nobody serves, or the right one with its bytes swapped",
    does: "stays on the session's port",
    devices: ["Asus P5MT-R", "Supermicro X8DTH-iF", "pyghmi's BMC"],
    source: freeIpmi,
    learned: "automatic",
  },
  {
    name: "solchannelsupport",
    symptom: "fails at Get Channel Payload Support, or crashes",
    does: "never sends it",
    devices: ["Intel Windmill", "Quanta Winterfell", "Wiwynn Windmill", "Sun X4100", "OpenIPMI ipmi_sim"],
    source: freeIpmi,
    learned: "always",
  },
  {
    name: "solstatus",
    symptom: "fails at Get Payload Activation Status",
    does: "does not ask it before activating SOL",
    devices: ["Supermicro X8SIL-F"],
    source: freeIpmi,
    learned: "by hand",
  },
  {
    name: "noinstanceinfo",
    symptom: "fails at Get Payload Instance Info",
    does: "does not ask it: a stolen console is noticed only by its silence",
    devices: ["pyghmi's BMC"],
    source: "IPMI v2.0 §24.4",
    learned: "by hand",
  },
  {
    name: "serialalertsdeferred",
    symptom: "takes nothing that is typed unless serial alerts are deferred",
    does: "activates SOL with serial alerts deferred",
    devices: ["Intel Windmill", "Quanta Winterfell", "Wiwynn Windmill"],
    source: freeIpmi,
    learned: "by hand",
  },
  {
    name: "ctsasserted",
    symptom: "takes SOL only with the handshake bit of Activate Payload set",
    does: "sets bit 1 of its first auxiliary byte",
    devices: ["an Intel board FreeIPMI does not name"],
    source: "FreeIPMI's list of bugs; ipmitool does so for its OEM type intelplus",
    learned: "by hand",
  },
  {
    name: "auxplain",
    symptom: "refuses Activate Payload with any auxiliary bit but the one that lets alerts succeed",
    does: "sends 0x08 as its first auxiliary byte; the session encrypts SOL all the same",
    devices: ["Intel 82571 network controllers"],
    source: "ipmitool does so for its OEM type i82571spt",
    learned: "by hand",
  },
  {
    name: "solpacketseq",
    symptom: "stops acknowledging what is typed until the packet number moves on",
    does: "sends unacknowledged characters again under the next number, after eight copies; by hand after the second",
    devices: ["Intel Windmill", "Quanta Winterfell", "Wiwynn Windmill"],
    source: freeIpmi,
    learned: "by hand",
  },
  {
    name: "solkeepalivenul",
    symptom: "keeps the session, but carries no characters any more after a reboot or a theft",
    does: "types a NUL into a silent console now and then, and opens it again when that is not acknowledged; a getty may change its speed at it",
    devices: ["Intel SR1520ML, X38ML"],
    source: freeIpmi,
    learned: "by hand",
  },
] as const satisfies readonly QuirkEntry[];
export type Quirk = (typeof quirkTable)[number]["name"];

export const quirkNames: readonly Quirk[] = quirkTable.map(({ name }) => name);

/** A quirk's row. */
export function quirkEntry(name: Quirk): QuirkEntry {
  const entry = quirkTable.find((each) => each.name === name);
  if (entry === undefined) throw new RangeError(`quirk ${name} has no row`);
  return entry;
}

/** Checks names from an inventory. Throws InvalidArgumentError that lists the names there are. */
export function parseQuirks(names: readonly string[]): ReadonlySet<Quirk> {
  const quirks = new Set<Quirk>();
  for (const name of names) {
    const quirk = quirkNames.find((each) => each === name);
    if (quirk === undefined) throw new InvalidArgumentError(`BMC quirk "${name}" is unknown; there are ${quirkNames.join(", ")}`);
    quirks.add(quirk);
  }
  return quirks;
}
