/** BMCs held in memory, as an agent serves them: one report for all, a boot override each. */
import { UnsupportedError } from "../../../proto/base/errors.js";
import type { BmcReport, BmcServiceService, BootOverride, Sensor } from "../../../proto/gen/lab/v1/bmc.js";
import type { Implementation } from "../../../proto/rpc/service.js";

const noOverride: BootOverride = { device: "none", persistent: false, efi: false };

export const fakeReport: BmcReport = {
  address: "10.0.1.10",
  manufacturer: "674 (Dell)",
  product: "0100",
  firmware: "2.41",
  ipmiVersion: "2.0",
  guid: "000102030405060708090a0b0c0d0e0f",
  suites: [
    { id: 17, advertised: true, works: true, detail: "" },
    { id: 3, advertised: true, works: true, detail: "" },
    { id: 12, advertised: false, works: false, detail: "0x11 no cipher suite match" },
  ],
  users: [
    { id: 2, name: "root", privilege: "administrator", enabled: true },
    { id: 3, name: "guest", privilege: "user", enabled: false },
  ],
  sol: { enabled: true, baudRate: 19200, nonvolatileBaudRate: 19200, privilege: "operator", forceEncryption: true, port: 623 },
  quirks: [{ name: "solpayloadsize", symptom: "Activate Payload tells packet sizes that make no sense: 16384" }],
  problems: ["its clock is not set, so its event log has no times; set it: ipmitool sel time set now"],
  roundTripMs: 2,
  packets: 74,
  stanza: "",
};

export class FakeBmcs {
  readonly sensors: Sensor[] = [
    { name: "CPU1 Temp", kind: "temperature", value: 97, unit: "°C", status: "upper critical" },
    { name: "12V", kind: "voltage", value: 12.033, unit: "V", status: "ok" },
    { name: "PS1", kind: "power supply", value: undefined, unit: "", status: "ok: presence detected" },
    { name: "PS2", kind: "power supply", value: undefined, unit: "", status: "not available" },
  ];
  /** Entries of every event log. */
  count = 3;
  /** A probe's answer waits for this. */
  probing: Promise<unknown> = Promise.resolve();
  /** Nodes whose BMC forgets a boot override at once. */
  readonly forgetful = new Set<string>();
  readonly #boots = new Map<string, BootOverride>();
  readonly #acts: string[];

  /** Writes down what was done in `acts`. */
  constructor(acts: string[]) {
    this.#acts = acts;
  }

  service(): Implementation<typeof BmcServiceService> {
    return {
      probeBmc: async () => {
        await this.probing;
        return fakeReport;
      },
      identify: async ({ node, seconds, forever }) => {
        if (forever) throw new UnsupportedError(`bmc of ${node}: its identify light cannot stay lit`);
        this.#acts.push(`identify ${node} ${seconds}`);
        return {};
      },
      readEventLog: async ({ limit }) => ({
        count: this.count,
        overflow: true,
        entries: Array.from({ length: Math.min(limit, this.count) }, (_, n) => ({
          id: this.count - Math.min(limit, this.count) + n + 1,
          timeMs: n === 0 ? 0n : 1_577_836_800_000n,
          sensor: "temperature CPU1 Temp",
          event: "upper critical going high: 97 °C, threshold 95 °C",
          deasserted: n === 2,
          record: Buffer.alloc(16),
        })),
      }),
      readSensors: async () => ({ sensors: this.sensors }),
      interrupt: async ({ node, fence }) => {
        this.#acts.push(`interrupt ${node}${fence === undefined ? " without fence" : ""}`);
        return {};
      },
      getBootOverride: async ({ node }) => this.#boots.get(node) ?? noOverride,
      setBootOverride: async ({ node, boot = noOverride, fence }) => {
        this.#acts.push(`boot ${node} ${boot.device}${fence === undefined ? " without fence" : ""}`);
        if (!this.forgetful.has(node)) this.#boots.set(node, boot);
        return this.#boots.get(node) ?? noOverride;
      },
    };
  }
}
