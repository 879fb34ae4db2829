/** Completion codes common to all commands (IPMI v2.0 §5.2). 0x80…0xBE mean something else for each command: see its table. */
export const completionCode = {
  ok: 0x00,
  nodeBusy: 0xc0,
  invalidCommand: 0xc1,
  invalidForLun: 0xc2,
  timeout: 0xc3,
  outOfSpace: 0xc4,
  reservationCanceled: 0xc5,
  requestTruncated: 0xc6,
  requestLengthInvalid: 0xc7,
  requestLengthExceeded: 0xc8,
  parameterOutOfRange: 0xc9,
  cannotReturnLength: 0xca,
  notPresent: 0xcb,
  invalidDataField: 0xcc,
  illegalForSensor: 0xcd,
  noResponse: 0xce,
  duplicatedRequest: 0xcf,
  updating: 0xd1,
  initializing: 0xd2,
  destinationUnavailable: 0xd3,
  insufficientPrivilege: 0xd4,
  notInThisState: 0xd5,
  disabled: 0xd6,
  unspecified: 0xff,
} as const;

const texts: Readonly<Record<number, string>> = {
  [completionCode.ok]: "done",
  [completionCode.nodeBusy]: "node busy",
  [completionCode.invalidCommand]: "unknown command",
  [completionCode.invalidForLun]: "command invalid for this LUN",
  [completionCode.timeout]: "timed out inside the BMC",
  [completionCode.outOfSpace]: "out of space",
  [completionCode.reservationCanceled]: "reservation canceled or invalid",
  [completionCode.requestTruncated]: "request truncated",
  [completionCode.requestLengthInvalid]: "request length invalid",
  [completionCode.requestLengthExceeded]: "request too long",
  [completionCode.parameterOutOfRange]: "parameter out of range",
  [completionCode.cannotReturnLength]: "cannot return that many bytes",
  [completionCode.notPresent]: "sensor, data or record not present",
  [completionCode.invalidDataField]: "invalid data field in request",
  [completionCode.illegalForSensor]: "command illegal for this sensor or record",
  [completionCode.noResponse]: "response could not be provided",
  [completionCode.duplicatedRequest]: "duplicated request",
  [completionCode.updating]: "firmware or SDR update in progress",
  [completionCode.initializing]: "BMC is initializing",
  [completionCode.destinationUnavailable]: "destination unavailable",
  [completionCode.insufficientPrivilege]: "insufficient privilege",
  [completionCode.notInThisState]: "not supported in the present state",
  [completionCode.disabled]: "sub-function disabled or unavailable",
  [completionCode.unspecified]: "unspecified error",
};

/** A completion code in words, "0xd4 insufficient privilege"; `own` are the command's. */
export function describeCompletion(code: number, own: Readonly<Record<number, string>> = {}): string {
  const text = own[code] ?? texts[code] ?? (code < 0x7f ? "OEM code" : "unknown code");
  return `0x${code.toString(16).padStart(2, "0")} ${text}`;
}
