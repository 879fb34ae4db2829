import t from "tap";
import * as table from "../../../../../agent/ipmi/command/index.js";
import { decode, encode, type Layout } from "../../../../../agent/ipmi/wire/index.js";
import { fromHex } from "../../../../support/ipmi/bytes.js";
import { checkCodec } from "../../../../support/ipmi/codec-table.js";

function check<T>(name: string, layout: Layout<T>, hex: string, object: T): void {
  t.test(`${name} is the same in both directions and survives broken bytes`, (t) => {
    checkCodec(t, {
      name,
      hex,
      object,
      encode: (value: never) => encode(layout, value),
      decode: (bytes) => decode(layout, bytes, name),
    });
    t.end();
  });
}

check("Get Channel Authentication Capabilities, request", table.getChannelAuthenticationCapabilities.request, "8e04", {
  channel: { wantV20: true, number: 14 },
  privilege: 4,
});
// As ipmi_sim 2.0.33 sends it.
check("Get Channel Authentication Capabilities, reply", table.getChannelAuthenticationCapabilities.reply, "0197040300000000", {
  channel: 1,
  authenticationTypes: { extended: true, oem: false, password: true, md5: true, md2: true, none: true },
  status: { kgSet: false, perMessageDisabled: false, userLevelDisabled: false, namedUsers: true, nullUsers: false, anonymous: false },
  versions: { v20: true, v15: true },
  oemId: 0,
  oemAuxiliary: 0,
});
check("Get Channel Cipher Suites, request", table.getChannelCipherSuites.request, "0e0080", {
  channel: 14,
  payloadType: 0,
  list: { bySuite: true, index: 0 },
});
check("Get Channel Cipher Suites, reply", table.getChannelCipherSuites.reply, "01c003014181", {
  channel: 1,
  records: fromHex("c003014181"),
});
check("Set Session Privilege Level, request", table.setSessionPrivilegeLevel.request, "04", { privilege: 4 });
check("Set Session Privilege Level, reply", table.setSessionPrivilegeLevel.reply, "04", { privilege: 4 });
check("Close Session, request", table.closeSession.request, "02000000", { sessionId: 2 });
check("Get Channel Info, reply", table.getChannelInfo.reply, "01040181f21b000000", {
  channel: 1,
  medium: 4,
  protocol: 1,
  sessions: { support: 2, active: 1 },
  vendorId: 0x1bf2,
  auxiliary: fromHex("0000"),
});
check("Get Channel Payload Support, reply", table.getChannelPayloadSupport.reply, "0300fc0000000000", {
  payloadTypes: fromHex("0300fc0000000000"),
});
check("Get Channel Payload Version, request", table.getChannelPayloadVersion.request, "0e01", { channel: 14, payloadType: 1 });
check("Get Channel Payload Version, reply", table.getChannelPayloadVersion.reply, "10", { version: { major: 1, minor: 0 } });
check("Get Session Info, reply without a session", table.getSessionInfo.reply, "000401", {
  handle: 0,
  possibleSessions: 4,
  activeSessions: 1,
  session: undefined,
});
check("Get Session Info, reply", table.getSessionInfo.reply, "0104010204110a0000015254000000016f02", {
  handle: 1,
  possibleSessions: 4,
  activeSessions: 1,
  session: {
    userId: 2,
    privilege: 4,
    channel: { protocol: 1, number: 1 },
    consoleAddress: fromHex("0a000001"),
    consoleMac: fromHex("525400000001"),
    consolePort: fromHex("6f02"),
  },
});
check("Get Device ID, reply", table.getDeviceId.reply, "230908 08 02 9f 911200 020f 00000000", {
  deviceId: 0x23,
  device: { providesSdrs: false, revision: 9 },
  firmware: { updating: false, major: 8 },
  firmwareMinor: 8,
  ipmiVersion: 2,
  support: 0x9f,
  manufacturerId: 0x1291,
  productId: 0xf02,
  auxiliaryFirmware: fromHex("00000000"),
});
check("Get System GUID, reply", table.getSystemGuid.reply, "a123456789abcdefa123456780000000", {
  guid: fromHex("a123456789abcdefa123456780000000"),
});
check("Get Chassis Status, reply", table.getChassisStatus.reply, "211040", {
  power: { restorePolicy: 1, controlFault: false, fault: false, interlock: false, overload: false, on: true },
  lastEvent: { onByCommand: true, fault: false, interlock: false, overload: false, acFailed: false },
  chassis: { identifySupported: true, identify: 0, coolingFault: false, driveFault: false, lockout: false, intrusion: false },
  frontPanel: undefined,
});
check("Chassis Control, request", table.chassisControl.request, "02", { action: { code: table.chassisAction.cycle } });
check("Set System Boot Options, request", table.setSystemBootOptions.request, "058004000000", {
  selector: { invalid: false, parameter: 5 },
  data: fromHex("8004000000"),
});
check("Get System Boot Options, request", table.getSystemBootOptions.request, "050000", { parameter: 5, set: 0, block: 0 });
check("Get System Boot Options, reply", table.getSystemBootOptions.reply, "0105a004000000", {
  version: 1,
  selector: { invalid: false, parameter: 5 },
  data: fromHex("a004000000"),
});
check("boot flags: PXE once, EFI", table.bootFlags, "a004000000", {
  flags: { valid: true, persistent: false, efi: true },
  device: { clearCmos: false, lockKeyboard: false, code: table.bootDevice.pxe, blankScreen: false, lockReset: false },
  console: { lockPower: false, verbosity: 0, progressTraps: false, bypassPassword: false, lockSleep: false, redirection: 0 },
  sharing: 0,
  instance: 0,
});
check("Activate Payload, request", table.activatePayload.request, "0101c0000000", {
  payloadType: 1,
  instance: 1,
  options: { encrypted: true, authenticated: true, testMode: false, alerts: 0, deassertCts: false },
});
check("Activate Payload, reply", table.activatePayload.reply, "00000000200000406f02ffff", {
  auxiliary: fromHex("00000000"),
  inboundSizeBytes: 32,
  outboundSizeBytes: 16384,
  port: 623,
  vlan: 0xffff,
});
check("Deactivate Payload, request", table.deactivatePayload.request, "010100000000", { payloadType: 1, instance: 1 });
check("Get Payload Activation Status, reply", table.getPayloadActivationStatus.reply, "010100", { capacity: { instances: 1 }, active: 1 });
check("Get Payload Instance Info, request", table.getPayloadInstanceInfo.request, "0101", { payloadType: 1, instance: 1 });
check("Get Payload Instance Info, reply", table.getPayloadInstanceInfo.reply, "020000000100000000000000", {
  sessionId: 2,
  information: fromHex("0100000000000000"),
});
check("Set SOL Configuration Parameters, request", table.setSolConfigurationParameters.request, "0e0101", {
  channel: 14,
  parameter: table.solParameter.enable,
  data: fromHex("01"),
});
check("Get SOL Configuration Parameters, request", table.getSolConfigurationParameters.request, "0e050000", {
  channel: { revisionOnly: false, number: 14 },
  parameter: table.solParameter.nonVolatileBitRate,
  set: 0,
  block: 0,
});
check("Get SOL Configuration Parameters, reply", table.getSolConfigurationParameters.reply, "110a", {
  revision: 0x11,
  data: fromHex("0a"),
});
check("SOL authentication", table.solParameterLayout.authentication, "c3", {
  flags: { forceEncryption: true, forceAuthentication: true, privilege: 3 },
});
check("SOL payload port", table.solParameterLayout.payloadPort, "6f02", { port: 623 });

t.test("no command that acts on the machine may be repeated", (t) => {
  t.notOk(table.chassisControl.repeatable);
  t.end();
});
