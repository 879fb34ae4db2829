import { createHmac } from "node:crypto";
import t from "tap";
import { fingerprint, hostKeyAlgorithms, refusal } from "../../../../agent/ssh/connection/host-key.js";
import { hostName, knownKeys, publicKey } from "../../../../agent/ssh/connection/known-hosts.js";

/** A key of a type, with contents of no meaning. */
function key(type: string, fill: number): Buffer {
  const name = Buffer.from(type);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(name.length);
  return Buffer.concat([length, name, Buffer.from([0, 0, 0, 32]), Buffer.alloc(32, fill)]);
}

const [a, b, c] = [key("ssh-ed25519", 1), key("ssh-rsa", 2), key("ssh-ed25519", 3)];
const words = (type: string, bytes: Buffer) => `${type} ${bytes.toString("base64")}`;
const ed = (bytes: Buffer) => words("ssh-ed25519", bytes);

t.test("a host is found by name, in a list, by pattern, by its port and by its hash", async (t) => {
  const salt = Buffer.from("0123456789abcdefghij");
  const hash = createHmac("sha1", salt).update("[board]:2222").digest("base64");
  const cases: [string, string, number, boolean][] = [
    [`board ${ed(a)} comment`, "board", 22, true],
    [`board ${ed(a)}`, "BOARD", 22, true],
    [`board ${ed(a)}`, "board", 2222, false],
    [`[board]:2222 ${ed(a)}`, "board", 2222, true],
    [`[board]:2222 ${ed(a)}`, "board", 22, false],
    [`x0,10.0.0.7,board ${ed(a)}`, "10.0.0.7", 22, true],
    [`10.0.0.? ${ed(a)}`, "10.0.0.7", 22, true],
    [`10.0.0.? ${ed(a)}`, "10.0.0.77", 22, false],
    [`*,!board ${ed(a)}`, "board", 22, false],
    [`*,!board ${ed(a)}`, "other", 22, true],
    [`|1|${salt.toString("base64")}|${hash} ${ed(a)}`, "board", 2222, true],
    [`|1|${salt.toString("base64")}|${hash} ${ed(a)}`, "board", 22, false],
    [`# board ${ed(a)}`, "board", 22, false],
    [`@cert-authority board ${ed(a)}`, "board", 22, false],
    [`board ssh-rsa ${a.toString("base64")}`, "board", 22, false],
    ["board ssh-ed25519 !!!", "board", 22, false],
    ["", "board", 22, false],
  ];
  for (const [line, address, port, found] of cases) {
    t.equal(knownKeys(`\n${line}\r\n`, address, port).keys.length, found ? 1 : 0, `${address} ${port} in "${line.slice(0, 40)}"`);
  }
  t.equal(hostName("Board", 2222), "[board]:2222");
});

t.test("all keys of a host count, and a revoked one never", async (t) => {
  const { keys, revoked } = knownKeys(`board ${ed(a)}\nboard ${words("ssh-rsa", b)}\n@revoked board ${ed(c)}\n`, "board", 22);
  t.same([keys.length, revoked.length], [2, 1]);
  const place = { label: "ssh root@board", address: "board", port: 22 };
  const expected = { keys, revoked, source: "known_hosts" };
  t.equal(refusal(a, expected, place), undefined);
  t.equal(refusal(b, expected, place), undefined);
  t.match(refusal(c, expected, place)?.message, /is revoked in known_hosts; do not connect/);
  t.match(refusal(c, { ...expected, revoked: [] }, place)?.message, /has changed: it offered ssh-ed25519 SHA256:.*ssh-keygen -R 'board'/);
});

t.test("a machine is asked for a key of the types that are known of it first", async (t) => {
  t.same(hostKeyAlgorithms({ keys: [b], revoked: [] }).slice(0, 4), ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa", "ssh-ed25519"]);
  t.equal(hostKeyAlgorithms({ keys: [], revoked: [] })[0], "ssh-ed25519");
});

t.test("a fingerprint is what ssh-keygen prints", async (t) => {
  // Made with ssh-keygen -t ed25519 and shown by ssh-keygen -lf (OpenSSH 9.2).
  const shown = publicKey("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMD/+6E9Sh+WSbh6BXEYKTxSfosK+XQ7Te01oyHaq02t x");
  t.equal(shown && fingerprint(shown), "SHA256:imKPwqLe0Fhvd+crpU8OKF3rj2+DftjsZY+C4IGcvU8");
});
