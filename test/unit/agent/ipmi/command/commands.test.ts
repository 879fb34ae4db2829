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
check("Chassis Identify, request for 30 s", table.chassisIdentify.request, "1e", { seconds: 30, force: undefined });
check("Chassis Identify, request for ever", table.chassisIdentify.request, "0001", { seconds: 0, force: { on: true } });
check("Get Channel Access, request", table.getChannelAccess.request, "0e80", { channel: { number: 14 }, settings: { which: 2 } });
check("Get Channel Access, reply", table.getChannelAccess.reply, "2204", {
  access: { alertingDisabled: true, perMessageDisabled: false, userLevelDisabled: false, mode: table.channelAccessMode.always },
  limit: { privilege: 4 },
});
check("Get User Access, reply", table.getUserAccess.reply, "0a420114", {
  slots: { count: 10 },
  enabled: { status: table.userStatus.enabled, count: 2 },
  fixedNames: { count: 1 },
  access: { callbackOnly: false, linkAuthentication: false, messaging: true, privilege: 4 },
});
check("Get User Name, reply", table.getUserName.reply, "61646d696e0000000000000000000000", {
  name: fromHex("61646d696e0000000000000000000000"),
});
check("Get SEL Info, reply", table.getSelInfo.reply, "51 0300 a03e 00e10b5e ffffffff 82", {
  version: 0x51,
  entries: 3,
  freeBytes: 16032,
  lastAddition: 0x5e0be100,
  lastErase: 0xffffffff,
  operations: { overflow: true, delete: false, partialAdd: false, reserve: true, allocationInfo: false },
});
check("Get SEL Entry, request", table.getSelEntry.request, "0000ffff00ff", {
  reservation: 0,
  record: table.recordId.last,
  offset: 0,
  count: table.wholeRecord,
});
check("Get SEL Entry, reply", table.getSelEntry.reply, "ffff0100", { next: 0xffff, data: fromHex("0100") });
check("Clear SEL, request", table.clearSel.request, "0700434c52aa", {
  reservation: 7,
  marker: fromHex("434c52"),
  action: table.clearSelAction.erase,
});
check("Clear SEL, reply", table.clearSel.reply, "01", { progress: { done: 1 } });
check("Get SEL Time, reply", table.getSelTime.reply, "00e10b5e", { seconds: 0x5e0be100 });
check("system event: upper critical going high on sensor 0x30", table.systemEventRecord, "0100 02 00e10b5e 2000 04 01 30 01 59 5f5a", {
  id: 1,
  type: table.eventRecordType.system,
  time: 0x5e0be100,
  generator: { address: 0x10, software: false },
  generatorPath: { channel: 0, lun: 0 },
  format: 4,
  sensorType: 1,
  sensorNumber: 0x30,
  event: { deasserted: false, type: 1 },
  data1: { data2: 1, data3: 1, offset: 9 },
  data2: 0x5f,
  data3: 0x5a,
});
check("OEM record with a time", table.oemTimedRecord, "0200 c1 00e10b5e a20200 010203040506", {
  id: 2,
  type: 0xc1,
  time: 0x5e0be100,
  manufacturerId: 674,
  data: fromHex("010203040506"),
});
check("OEM record", table.oemRecord, "0300 e0 0102030405060708090a0b0c0d", {
  id: 3,
  type: 0xe0,
  data: fromHex("0102030405060708090a0b0c0d"),
});
check("Get SDR Repository Info, reply", table.getSdrRepositoryInfo.reply, "51 0c00 8007 00e10b5e 00000000 22", {
  version: 0x51,
  records: 12,
  freeBytes: 0x780,
  lastAddition: 0x5e0be100,
  lastErase: 0,
  operations: { overflow: false, modal: 1, delete: false, partialAdd: false, reserve: true, allocationInfo: false },
});
check("Get SDR, request", table.getSdr.request, "0100 0300 05 10", { reservation: 1, record: 3, offset: 5, count: 16 });
check("Get Sensor Reading, reply", table.getSensorReading.reply, "64c00800", {
  reading: 100,
  status: { events: true, scanning: true, unavailable: false },
  states: 8,
  moreStates: 0,
});
check("Get Sensor Reading, short reply", table.getSensorReading.reply, "00e0", {
  reading: 0,
  status: { events: true, scanning: true, unavailable: true },
  states: undefined,
  moreStates: undefined,
});
check("Get Sensor Thresholds, reply", table.getSensorThresholds.reply, "1a00b400dcf000", {
  readable: 0x1a,
  lowerNonCritical: 0,
  lowerCritical: 180,
  lowerNonRecoverable: 0,
  upperNonCritical: 220,
  upperCritical: 240,
  upperNonRecoverable: 0,
});
const slope = {
  mLow: 1,
  mHigh: { bits: 3, tolerance: 2 },
  bLow: 0xf6,
  bHigh: { bits: 3, accuracy: 0 },
  accuracy: { high: 0, exponent: 0, direction: 1 },
  exponents: { result: 0xe, b: 1 },
};
check("Get Sensor Reading Factors, reply", table.getSensorReadingFactors.reply, "80 01c2f6c001e1", { nextReading: 0x80, factors: slope });
const sensor = {
  owner: { address: 0x10, software: false },
  ownerPath: { channel: 0, lun: 0 },
  number: 0x30,
  entityId: 3,
  entityInstance: 1,
};
check("SDR head", table.sensorRecordHead, "0100 51 01 33", { id: 1, version: 0x51, type: table.sensorRecordType.full, length: 0x33 });
check(
  "full sensor record",
  table.fullSensorRecord,
  "200030 0301 7f68 01 01 807a 807a 3f3f 80 01 00 00 01c2f6c001e1 00 1e 5f00 7f80 645f5a 000505 0202 0000 00 c8 43505531 2054656d",
  {
    ...sensor,
    initialization: 0x7f,
    capabilities: 0x68,
    sensorType: 1,
    eventType: 1,
    assertionMask: 0x7a80,
    deassertionMask: 0x7a80,
    readingMask: 0x3f3f,
    units: { format: 2, rate: 0, modifier: 0, percentage: false },
    baseUnit: 1,
    modifierUnit: 0,
    linearization: 0,
    factors: slope,
    analog: 0,
    nominal: 0x1e,
    normalMaximum: 0x5f,
    normalMinimum: 0,
    maximum: 0x7f,
    minimum: 0x80,
    upperNonRecoverable: 0x64,
    upperCritical: 0x5f,
    upperNonCritical: 0x5a,
    lowerNonRecoverable: 0,
    lowerCritical: 5,
    lowerNonCritical: 5,
    positiveHysteresis: 2,
    negativeHysteresis: 2,
    oem: 0,
    nameForm: { code: 3, length: 8 },
    name: fromHex("435055312054656d"),
  },
);
check("compact sensor record", table.compactSensorRecord, "200051 0a01 6740 08 6f 0100 0100 0100 c0 00 00 02 81 0000 000000 00 c2 5053", {
  ...sensor,
  number: 0x51,
  entityId: 0x0a,
  initialization: 0x67,
  capabilities: 0x40,
  sensorType: 8,
  eventType: 0x6f,
  assertionMask: 1,
  deassertionMask: 1,
  readingMask: 1,
  units: { format: 3, rate: 0, modifier: 0, percentage: false },
  baseUnit: 0,
  modifierUnit: 0,
  sharing: { letters: 0, count: 2 },
  sharedNames: { perEntity: true, offset: 1 },
  positiveHysteresis: 0,
  negativeHysteresis: 0,
  oem: 0,
  nameForm: { code: 3, length: 2 },
  name: fromHex("5053"),
});
check("event-only record", table.eventOnlyRecord, "200010 0701 10 6f 01 00 00 00 c3 53454c", {
  ...sensor,
  number: 0x10,
  entityId: 7,
  sensorType: 0x10,
  eventType: 0x6f,
  sharing: { letters: 0, count: 1 },
  sharedNames: { perEntity: false, offset: 0 },
  oem: 0,
  nameForm: { code: 3, length: 3 },
  name: fromHex("53454c"),
});
