/** Open Session and RAKP 1–4: the messages that agree on keys (IPMI v2.0 §13.17–13.24). */
import { bits, bytes, counted, reserved, rest, span, bit, struct, u8, u32, unlessRefused, type Layout, type Value } from "./layout.js";

/** RMCP+ and RAKP status codes (Table 13-15). */
export const rakpStatus = {
  ok: 0x00,
  noResources: 0x01,
  invalidSessionId: 0x02,
  invalidPayloadType: 0x03,
  invalidAuthentication: 0x04,
  invalidIntegrity: 0x05,
  noMatchingAuthentication: 0x06,
  noMatchingIntegrity: 0x07,
  inactiveSessionId: 0x08,
  invalidRole: 0x09,
  unauthorizedRole: 0x0a,
  noResourcesForRole: 0x0b,
  invalidNameLength: 0x0c,
  unauthorizedName: 0x0d,
  unauthorizedGuid: 0x0e,
  invalidIntegrityCheck: 0x0f,
  invalidConfidentiality: 0x10,
  noCipherSuiteMatch: 0x11,
  illegalParameter: 0x12,
} as const;

const statusTexts: Readonly<Record<number, string>> = {
  [rakpStatus.noResources]: "insufficient resources to create a session",
  [rakpStatus.invalidSessionId]: "invalid session id",
  [rakpStatus.invalidPayloadType]: "invalid payload type",
  [rakpStatus.invalidAuthentication]: "invalid authentication algorithm",
  [rakpStatus.invalidIntegrity]: "invalid integrity algorithm",
  [rakpStatus.noMatchingAuthentication]: "no matching authentication payload",
  [rakpStatus.noMatchingIntegrity]: "no matching integrity payload",
  [rakpStatus.inactiveSessionId]: "inactive session id",
  [rakpStatus.invalidRole]: "invalid role",
  [rakpStatus.unauthorizedRole]: "unauthorized role or privilege level",
  [rakpStatus.noResourcesForRole]: "insufficient resources to create a session at this role",
  [rakpStatus.invalidNameLength]: "invalid name length",
  [rakpStatus.unauthorizedName]: "unauthorized name",
  [rakpStatus.unauthorizedGuid]: "unauthorized GUID",
  [rakpStatus.invalidIntegrityCheck]: "invalid integrity check value",
  [rakpStatus.invalidConfidentiality]: "invalid confidentiality algorithm",
  [rakpStatus.noCipherSuiteMatch]: "no cipher suite match with the proposed algorithms",
  [rakpStatus.illegalParameter]: "illegal or unrecognized parameter",
};

/** A status code in words: "0x0d unauthorized name". */
export function describeRakpStatus(status: number): string {
  return `0x${status.toString(16).padStart(2, "0")} ${statusTexts[status] ?? "unknown status"}`;
}

export const privilege = { highest: 0, callback: 1, user: 2, operator: 3, administrator: 4, oem: 5 } as const;

/** One proposed or chosen algorithm: type (0 authentication, 1 integrity, 2 confidentiality), length 8, algorithm number. */
function algorithm(type: number): Layout<number> {
  const body = struct({ type: u8, _reserved: reserved(2), length: u8, algorithm: u8, _tail: reserved(3) });
  return {
    read(input) {
      const read = body.read(input);
      if (read.type !== type) input.refuse(`algorithm payload of type ${read.type} where ${type} belongs`);
      return read.algorithm & 0x3f;
    },
    write: (output, value) => body.write(output, { type, length: 8, algorithm: value }),
  };
}

const algorithms = { authentication: algorithm(0), integrity: algorithm(1), confidentiality: algorithm(2) };

export const openSessionRequest = struct({
  tag: u8,
  maximumPrivilege: u8,
  _reserved: reserved(2),
  consoleSessionId: u32,
  ...algorithms,
});
export type OpenSessionRequest = Value<typeof openSessionRequest>;

export const openSessionReply = unlessRefused(
  struct({ tag: u8, status: u8, maximumPrivilege: u8, _reserved: reserved(1), consoleSessionId: u32 }),
  struct({ managedSessionId: u32, ...algorithms }),
);
export type OpenSessionReply = Value<typeof openSessionReply>;

/** The role byte: it goes into the hashes as sent. */
export const role = bits({ nameOnlyLookup: bit(4), privilege: span(3, 0) });

export const rakp1 = struct({
  tag: u8,
  _reserved: reserved(3),
  managedSessionId: u32,
  consoleRandom: bytes(16),
  role: u8,
  _tail: reserved(2),
  userName: counted,
});
export type Rakp1 = Value<typeof rakp1>;

export const rakp2 = unlessRefused(
  struct({ tag: u8, status: u8, _reserved: reserved(2), consoleSessionId: u32 }),
  struct({ managedRandom: bytes(16), managedGuid: bytes(16), authCode: rest }),
);
export type Rakp2 = Value<typeof rakp2>;

/** A status other than 0 tells the BMC that we give up. */
export const rakp3 = unlessRefused(
  struct({ tag: u8, status: u8, _reserved: reserved(2), managedSessionId: u32 }),
  struct({ authCode: rest }),
);
export type Rakp3 = Value<typeof rakp3>;

export const rakp4 = unlessRefused(
  struct({ tag: u8, status: u8, _reserved: reserved(2), consoleSessionId: u32 }),
  struct({ integrityCheck: rest }),
);
export type Rakp4 = Value<typeof rakp4>;
