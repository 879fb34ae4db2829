/** Who the BMC is, and what may be asked before anybody has logged in. */
import {
  getChannelAuthenticationCapabilities,
  getChannelCipherSuites,
  getChannelInfo,
  getDeviceId,
  getSystemGuid,
  thisChannel,
} from "../../ipmi/command/index.js";
import type { CipherSuite } from "../../ipmi/crypto/index.js";
import { completionCode } from "../../ipmi/wire/index.js";
import { answers, type CommandEntry, refuse } from "./command-table.js";
import type { Sessions } from "./sessions.js";

/** The LAN channel. */
export const lanChannel = 1;

const cipherSuiteBytesPerReply = 16;

export interface DeviceOptions {
  readonly guid: Uint8Array;
  readonly suites: () => readonly CipherSuite[];
  readonly kgSet: boolean;
  readonly sessions: Sessions;
}

export function isLanChannel(channel: number): boolean {
  return (channel & 0x0f) === thisChannel || (channel & 0x0f) === lanChannel;
}

export function deviceCommands({ guid, suites, kgSet, sessions }: DeviceOptions): readonly CommandEntry[] {
  return [
    answers(getDeviceId, "user", () => ({
      deviceId: 0x20,
      device: { providesSdrs: false, revision: 1 },
      firmware: { updating: false, major: 2 },
      firmwareMinor: 0x41,
      ipmiVersion: 0x02,
      // Chassis, event log, sensors and their repository; no FRU, no bridge.
      support: 0x87,
      manufacturerId: 0,
      productId: 0x1abd,
      auxiliaryFirmware: undefined,
    })),
    answers(getSystemGuid, "none", () => ({ guid })),
    answers(getChannelAuthenticationCapabilities, "none", ({ channel }) =>
      isLanChannel(channel.number)
        ? {
            channel: lanChannel,
            authenticationTypes: { extended: channel.wantV20, oem: false, password: false, md5: false, md2: false, none: false },
            status: {
              kgSet,
              perMessageDisabled: false,
              userLevelDisabled: false,
              namedUsers: true,
              nullUsers: false,
              anonymous: false,
            },
            versions: { v20: true, v15: false },
            oemId: 0,
            oemAuxiliary: 0,
          }
        : refuse(completionCode.invalidDataField),
    ),
    answers(getChannelCipherSuites, "none", ({ channel, list }) => {
      if (!isLanChannel(channel)) return refuse(completionCode.invalidDataField);
      const from = list.index * cipherSuiteBytesPerReply;
      return { channel: lanChannel, records: cipherSuiteRecords(suites()).subarray(from, from + cipherSuiteBytesPerReply) };
    }),
    answers(getChannelInfo, "user", ({ channel }) =>
      isLanChannel(channel)
        ? {
            channel: lanChannel,
            medium: 4, // 802.3 LAN
            protocol: 1, // IPMB-1.0
            sessions: { support: 2, active: sessions.active.length },
            vendorId: 7154, // "IPMI forum", as §22.24 asks for
            auxiliary: new Uint8Array(2),
          }
        : refuse(completionCode.invalidDataField),
    ),
  ];
}

/** Records of standard suites: 0xC0, number, algorithms tagged 0x00, 0x40, 0x80 (§22.15.1). */
function cipherSuiteRecords(suites: readonly CipherSuite[]): Uint8Array {
  return Uint8Array.from(
    suites.flatMap((suite) => [0xc0, suite.id, suite.authentication, 0x40 | suite.integrity, 0x80 | suite.confidentiality]),
  );
}
