import t from "tap";
import {
  decode,
  decodeDatagram,
  decodeReply,
  decodeRequest,
  decodeSol,
  encode,
  encodeReply,
  encodeRequest,
  encodeSession15,
  encodeSession20,
  encodeSol,
  MalformedPacketError,
  openSessionReply,
  openSessionRequest,
  rakp1,
  rakp2,
  rakp3,
  rakp4,
  role,
  type Layout,
} from "../../../../../agent/ipmi/wire/index.js";
import { fromHex, toHex } from "../../../../support/ipmi/bytes.js";
import { checkCodec, plain, type CodecCase } from "../../../../support/ipmi/codec-table.js";

function ofLayout<T>(name: string, layout: Layout<T>, hex: string, object: T): CodecCase {
  return { name, hex, object, encode: (value: never) => encode(layout, value), decode: (bytes) => decode(layout, bytes, name) };
}

const guid = fromHex("a123456789abcdefa123456780000000");
const random = fromHex("60c9d592db2d93008af81988681442f5");
const cases: readonly CodecCase[] = [
  {
    name: "v1.5 packet",
    hex: "0600ff07 00 00000000 00000000 09 2018c88100388e04b5",
    object: { authenticationType: 0, sequence: 0, sessionId: 0, authCode: undefined, payload: fromHex("2018c88100388e04b5") },
    encode: encodeSession15,
    decode: packetOf,
  },
  {
    name: "v1.5 packet with authentication code",
    hex: "0600ff07 02 01020304 a0b0c0d0 000102030405060708090a0b0c0d0e0f 02 aabb",
    object: {
      authenticationType: 2,
      sequence: 0x04030201,
      sessionId: 0xd0c0b0a0,
      authCode: fromHex("000102030405060708090a0b0c0d0e0f"),
      payload: fromHex("aabb"),
    },
    encode: encodeSession15,
    decode: packetOf,
  },
  {
    name: "v2.0 packet outside a session",
    hex: "0600ff07 06 10 00000000 00000000 0300 010203",
    object: { payloadType: 0x10, encrypted: false, authenticated: false, sessionId: 0, sequence: 0, payload: fromHex("010203") },
    encode: encodeSession20,
    decode: packetOf,
  },
  {
    name: "v2.0 packet with room for a code",
    hex: "0600ff07 06 c1 a4a3a2a0 ff000000 0300 010203 ffffff 03 07 000000000000000000000000",
    object: { payloadType: 1, encrypted: true, authenticated: true, sessionId: 0xa0a2a3a4, sequence: 255, payload: fromHex("010203") },
    encode: (packet) => encodeSession20(packet, 12),
    decode: packetOf,
  },
  {
    name: "request",
    hex: "2018c88100388e04b5",
    object: {
      responderAddress: 0x20,
      requesterAddress: 0x81,
      netFn: 6,
      lun: 0,
      sequence: 0,
      command: 0x38,
      data: fromHex("8e04"),
    },
    encode: encodeRequest,
    decode: decodeRequest,
  },
  {
    name: "reply",
    hex: "811c6320003800019704030000000009",
    object: {
      responderAddress: 0x20,
      requesterAddress: 0x81,
      netFn: 7,
      lun: 0,
      sequence: 0,
      command: 0x38,
      completionCode: 0,
      data: fromHex("0197040300000000"),
    },
    encode: encodeReply,
    decode: decodeReply,
  },
  ofLayout("Open Session request", openSessionRequest, "00000000a4a3a2a0 0000000801000000 0100000801000000 0200000801000000", {
    tag: 0,
    maximumPrivilege: 0,
    consoleSessionId: 0xa0a2a3a4,
    authentication: 1,
    integrity: 1,
    confidentiality: 1,
  }),
  ofLayout("Open Session reply", openSessionReply, "00000400a4a3a2a002000000 0000000801000000 0100000801000000 0200000801000000", {
    tag: 0,
    status: 0,
    maximumPrivilege: 4,
    consoleSessionId: 0xa0a2a3a4,
    body: { managedSessionId: 2, authentication: 1, integrity: 1, confidentiality: 1 },
  }),
  ofLayout("Open Session refusal", openSessionReply, "07110000a4a3a2a0", {
    tag: 7,
    status: 0x11,
    maximumPrivilege: 0,
    consoleSessionId: 0xa0a2a3a4,
    body: undefined,
  }),
  ofLayout("RAKP 1", rakp1, `0000000002000000${toHex(random)}140000 05 61646d696e`, {
    tag: 0,
    managedSessionId: 2,
    consoleRandom: random,
    role: 0x14,
    userName: fromHex("61646d696e"),
  }),
  ofLayout("RAKP 2", rakp2, `00000000a4a3a2a0${toHex(random)}${toHex(guid)}0102030405060708090a0b0c0d0e0f1011121314`, {
    tag: 0,
    status: 0,
    consoleSessionId: 0xa0a2a3a4,
    body: { managedRandom: random, managedGuid: guid, authCode: fromHex("0102030405060708090a0b0c0d0e0f1011121314") },
  }),
  ofLayout("RAKP 3", rakp3, "0000000002000000 1a7482f3", {
    tag: 0,
    status: 0,
    managedSessionId: 2,
    body: { authCode: fromHex("1a7482f3") },
  }),
  ofLayout("RAKP 4", rakp4, "00000000a4a3a2a0 bdd002d99e133287deec2294", {
    tag: 0,
    status: 0,
    consoleSessionId: 0xa0a2a3a4,
    body: { integrityCheck: fromHex("bdd002d99e133287deec2294") },
  }),
  ofLayout("RAKP 4 refusal", rakp4, "000f0000a4a3a2a0", { tag: 0, status: 0x0f, consoleSessionId: 0xa0a2a3a4, body: undefined }),
  ofLayout("role", role, "14", { nameOnlyLookup: true, privilege: 4 }),
  {
    name: "SOL payload",
    hex: "05 0f ff 40 68656c6c6f",
    object: { sequence: 5, acknowledged: 15, accepted: 255, flags: 0x40, data: fromHex("68656c6c6f") },
    encode: encodeSol,
    decode: decodeSol,
  },
];

function packetOf(bytes: Uint8Array): unknown {
  const datagram = decodeDatagram(bytes);
  return datagram.format === "asf" ? undefined : datagram.packet;
}

for (const each of cases) {
  t.test(`${each.name} is the same in both directions and survives broken bytes`, (t) => {
    checkCodec(t, each);
    t.end();
  });
}

t.test("a refusal that ends right after its status is understood, the rest of its head being 0", (t) => {
  const refusal = { tag: 0, status: 4, maximumPrivilege: 0, consoleSessionId: 0, body: undefined };
  t.same(plain(decode(openSessionReply, fromHex("0004"), "Open Session reply")), refusal);
  t.end();
});

t.test("a message with a wrong checksum is refused, unless checksums are known to be wrong on that device", (t) => {
  const reply = fromHex("811c632000380001970403000000000a");
  t.throws(() => decodeReply(reply), MalformedPacketError);
  t.equal(decodeReply(reply, { checksums: false }).command, 0x38);
  t.end();
});

t.test("a reply is no request and a request no reply", (t) => {
  t.throws(() => decodeRequest(fromHex("811c6320003800019704030000000009")), MalformedPacketError);
  t.throws(() => decodeReply(fromHex("2018c88100388e04b5")), MalformedPacketError);
  t.end();
});

t.test("an ASF ping is told from IPMI", (t) => {
  t.equal(decodeDatagram(fromHex("0600ff06000011be80000000")).format, "asf");
  t.end();
});
