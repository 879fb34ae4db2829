import { createHmac } from "node:crypto";
import t from "tap";
import { PacketHmac } from "../../../../../agent/ipmi/crypto/index.js";
import { fromHex, seededBytes, toHex } from "../../../../support/ipmi/bytes.js";

const hashes = ["sha1", "sha256"] as const;

t.test("published vectors (RFC 2202, RFC 4231)", (t) => {
  const of = (name: (typeof hashes)[number], key: Uint8Array, text: Uint8Array) =>
    toHex(new PacketHmac(name, key).of(text, 0, text.length));
  const jefe = Buffer.from("Jefe");
  const question = Buffer.from("what do ya want for nothing?");
  t.equal(of("sha1", jefe, question), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
  t.equal(of("sha256", jefe, question), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  t.equal(of("sha1", fromHex("0b".repeat(20)), Buffer.from("Hi There")), "b617318655057264e28bc0b6fb378c8ef146be00");
  t.equal(
    of("sha256", fromHex("aa".repeat(20)), fromHex("dd".repeat(50))),
    "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
  );
  t.end();
});

for (const name of hashes) {
  t.test(`${name}: node:crypto says the same of every length and of thousands of parts of buffers`, (t) => {
    const random = seededBytes(name.length);
    let differences = 0;
    const compare = (hmac: PacketHmac, key: Uint8Array, bytes: Uint8Array, from: number, to: number) => {
      const expected = createHmac(name, key).update(bytes.subarray(from, to)).digest("hex");
      if (toHex(hmac.of(bytes, from, to)) !== expected) differences += 1;
    };
    for (let keyLength = 0; keyLength <= 64; keyLength += 4) {
      const key = random(keyLength);
      const hmac = new PacketHmac(name, key);
      for (let length = 0; length <= 600; length += 1) compare(hmac, key, random(length), 0, length);
    }
    const key = random(20);
    const hmac = new PacketHmac(name, key);
    for (let round = 0; round < 5000; round += 1) {
      const bytes = random(4 + (round % 397));
      const from = round % 5 === 0 ? 0 : (random(1)[0] ?? 0) % 4;
      compare(hmac, key, bytes, from, bytes.length - ((random(1)[0] ?? 0) % (bytes.length - from)));
    }
    t.equal(differences, 0);
    t.end();
  });

  t.test(`${name}: what is forgotten proves nothing any more`, (t) => {
    const key = seededBytes(3)(20);
    const hmac = new PacketHmac(name, key);
    hmac.forget();
    const bytes = new Uint8Array(48);
    t.not(toHex(hmac.of(bytes, 0, 48)), createHmac(name, key).update(bytes).digest("hex"));
    t.end();
  });
}
