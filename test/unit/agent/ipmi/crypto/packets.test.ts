import { createCipheriv, createDecipheriv } from "node:crypto";
import t from "tap";
import {
  cipherSuites,
  createBlockCipher,
  createBlockDecipher,
  createSealedPackets,
  deriveSessionKeys,
  forgetKeys,
  bmcKey,
  encodeUserName,
  passwordKey,
} from "../../../../../agent/ipmi/crypto/index.js";
import { decodeDatagram, MalformedPacketError, payloadType } from "../../../../../agent/ipmi/wire/index.js";
import { InvalidArgumentError } from "../../../../../proto/base/errors.js";
import { fromHex, seededBytes, toHex } from "../../../../support/ipmi/bytes.js";

const key = fromHex("000102030405060708090a0b0c0d0e0f10111213");

t.test("a cipher that lives for the session gives what a new one for each packet would, with the IV it chose", (t) => {
  const random = seededBytes(7);
  const cipher = createBlockCipher(key);
  const ivs = new Set<string>();
  for (const blocks of [1, 2, 6, 17, 1, 3]) {
    const plaintext = random(16 * blocks);
    const sealed = cipher.encrypt(Buffer.concat([random(16), plaintext]));
    const iv = sealed.subarray(0, 16);
    const perPacket = createCipheriv("aes-128-cbc", key.subarray(0, 16), iv).setAutoPadding(false);
    t.equal(toHex(sealed.subarray(16)), perPacket.update(plaintext).toString("hex"));
    ivs.add(toHex(iv));
  }
  t.equal(ivs.size, 6, "no IV twice");
  t.end();
});

t.test("a decipher that lives for the session opens packets in any order", (t) => {
  const random = seededBytes(8);
  const decipher = createBlockDecipher(key);
  const packets = [3, 1, 16, 2].map((blocks) => {
    const [iv, ciphertext] = [random(16), random(16 * blocks)];
    const perPacket = createDecipheriv("aes-128-cbc", key.subarray(0, 16), iv).setAutoPadding(false);
    return { sealed: Buffer.concat([iv, ciphertext]), plaintext: perPacket.update(ciphertext).toString("hex") };
  });
  for (const { sealed, plaintext } of [...packets, ...packets.reverse()]) t.equal(toHex(decipher.decrypt(sealed)), plaintext);
  t.end();
});

const facts = {
  consoleSessionId: 1,
  managedSessionId: 2,
  consoleRandom: new Uint8Array(16).fill(3),
  managedRandom: new Uint8Array(16).fill(4),
  managedGuid: new Uint8Array(16).fill(5),
  role: 0x14,
  userName: encodeUserName("admin"),
};

for (const suite of Object.values(cipherSuites)) {
  t.test(`suite ${suite.id}: what is sealed at one end opens at the other, whatever its length`, (t) => {
    const userKey = passwordKey("secret");
    const console = createSealedPackets(suite, deriveSessionKeys(suite, undefined, userKey, facts), userKey);
    const bmc = createSealedPackets(suite, deriveSessionKeys(suite, undefined, userKey, facts), userKey);
    for (let length = 0; length < 70; length += 1) {
      const payload = seededBytes(length + 1)(length);
      const datagram = decodeDatagram(console.seal({ payloadType: payloadType.sol, sessionId: 9, sequence: length, payload }));
      if (datagram.format !== "v2.0") return t.fail("not a v2.0 packet");
      t.equal(toHex(bmc.open(datagram.packet, datagram.body)), toHex(payload));
    }
    t.end();
  });

  t.test(`suite ${suite.id}: a packet cut short, changed or never authenticated does not open`, (t) => {
    const userKey = passwordKey("secret");
    const packets = createSealedPackets(suite, deriveSessionKeys(suite, undefined, userKey, facts), userKey);
    const sealed = packets.seal({ payloadType: payloadType.ipmi, sessionId: 9, sequence: 1, payload: fromHex("0102030405") });
    const open = (bytes: Uint8Array) => {
      const datagram = decodeDatagram(bytes);
      if (datagram.format !== "v2.0") throw new MalformedPacketError("test", "other format");
      return packets.open(datagram.packet, datagram.body);
    };
    for (let length = 0; length < sealed.length; length += 1) t.throws(() => open(sealed.slice(0, length)), MalformedPacketError);
    for (let at = 4; at < sealed.length; at += 1) {
      const changed = sealed.slice();
      changed[at] = (changed[at] ?? 0) ^ 0x10;
      t.throws(() => open(changed), MalformedPacketError, `byte ${at}`);
    }
    t.end();
  });
}

t.test("no two packets of a session begin with the same IV", (t) => {
  const suite = cipherSuites[17];
  const userKey = passwordKey("secret");
  const packets = createSealedPackets(suite, deriveSessionKeys(suite, undefined, userKey, facts), userKey, seededBytes(11));
  const ivs = new Set<string>();
  for (let sequence = 1; sequence <= 600; sequence += 1) {
    const sealed = packets.seal({ payloadType: payloadType.sol, sessionId: 9, sequence, payload: new Uint8Array(4) });
    ivs.add(toHex(sealed.subarray(16, 32)));
  }
  t.equal(ivs.size, 600);
  t.end();
});

t.test("a K_g changes the session's keys and only them", (t) => {
  const suite = cipherSuites[17];
  const userKey = passwordKey("secret");
  const without = deriveSessionKeys(suite, undefined, userKey, facts);
  const withKg = deriveSessionKeys(suite, bmcKey("0x00ff00"), userKey, facts);
  t.not(toHex(without.sik), toHex(withKg.sik));
  forgetKeys(withKg);
  t.match(toHex(withKg.sik) + toHex(withKg.k1) + toHex(withKg.k2), /^0+$/);
  t.end();
});

t.test("names, passwords and K_g that the protocol has no room for are refused without being repeated in the message", (t) => {
  t.throws(() => encodeUserName("a-name-of-17-byte"), InvalidArgumentError);
  t.throws(() => passwordKey("twenty-one-characters"), { code: "invalid-argument", message: /21 bytes/ });
  t.throws(() => bmcKey("0xabc"), InvalidArgumentError);
  t.throws(() => bmcKey(`0x${"ab".repeat(21)}`), InvalidArgumentError);
  t.equal(bmcKey(""), undefined);
  t.equal(toHex(bmcKey("0xAB00") ?? new Uint8Array(0)), `ab${"0".repeat(38)}`);
  t.end();
});
