/** The BMC datagram by datagram, with the codecs both ends share. What real clients make of it: test/interop/sim-bmc.test.ts. */
import t, { type Test } from "tap";
import {
  activatePayload,
  chassisControl,
  chassisIdentify,
  clearSel,
  closeSession,
  deactivatePayload,
  getChannelAuthenticationCapabilities,
  getChassisStatus,
  getDeviceId,
  getPayloadInstanceInfo,
  getSelEntry,
  getSelInfo,
  reserveSel,
  setSessionPrivilegeLevel,
} from "../../../../../agent/ipmi/command/index.js";
import { cipherSuites, passwordKey, rakp3Code } from "../../../../../agent/ipmi/crypto/index.js";
import {
  decode,
  decodeDatagram,
  decodeReply,
  decodeSol,
  encode,
  encodeSession15,
  encodeSession20,
  encodeSol,
  payloadType,
  rakp3,
  rakp4,
  rakpStatus,
  solStatus,
} from "../../../../../agent/ipmi/wire/index.js";
import { Bmc } from "../../../../../agent/sim/bmc/bmc.js";
import { SerialPort } from "../../../../../agent/sim/machine/serial-port.js";
import { silentLogger } from "../../../../../proto/base/logger.js";
import { seeded } from "../../../../support/capture/random.js";
import { FakeClock } from "../../../../support/fake-clock.js";
import { beginRakp, consolePassword, handshake, logIn, openSession, request } from "../../../../support/sim/bench-console.js";

const peer = { address: "10.0.0.1", port: 40_000 };

function bench(t: Test, options: { sessionSlots?: number } = {}) {
  const clock = new FakeClock();
  const serial = new SerialPort();
  const chassis = { on: true, executed: [] as string[], execute: (verb: string) => void chassis.executed.push(verb) };
  const outbox: Uint8Array[] = [];
  const bmc = new Bmc({
    user: "admin",
    password: consolePassword,
    suites: [cipherSuites[17], cipherSuites[3]],
    sessionSlots: options.sessionSlots ?? 4,
    guid: new Uint8Array(16).fill(7),
    port: 623,
    baudRate: 115200,
    chassis,
    serial,
    clock,
    log: silentLogger,
    send: (datagram) => void outbox.push(datagram),
  });
  t.teardown(() => bmc.close());
  const exchange = (datagram: Uint8Array): Uint8Array[] => {
    bmc.receive(datagram, peer);
    return outbox.splice(0);
  };
  return { clock, serial, chassis, bmc, exchange, outbox };
}

const solOptions = { encrypted: true, authenticated: true, testMode: false, alerts: 0, deassertCts: false };
const activateSol = { payloadType: payloadType.sol, instance: 1, options: solOptions };

t.test("an RMCP ping is answered with its tag and the promise of IPMI", async (t) => {
  const { exchange } = bench(t);
  const [pong] = exchange(Buffer.from("0600ff06000011be80420000", "hex"));
  t.equal(Buffer.from(pong ?? []).toString("hex"), "0600ff06000011be40420010000011be0000000081000000000000" + "00");
});

t.test("what it can do is told in a v1.5 packet without a session; who it is, is not", async (t) => {
  const { exchange } = bench(t);
  const wrapper = { authenticationType: 0, sequence: 0, sessionId: 0, authCode: undefined };
  const ask = (payload: Uint8Array) => {
    const [datagram = new Uint8Array()] = exchange(encodeSession15({ ...wrapper, payload }));
    const answer = decodeDatagram(datagram);
    return answer.format === "v1.5" ? decodeReply(answer.packet.payload) : undefined;
  };
  const capabilities = ask(request(getChannelAuthenticationCapabilities, { channel: { wantV20: true, number: 14 }, privilege: 4 }));
  t.match(decode(getChannelAuthenticationCapabilities.reply, capabilities?.data ?? new Uint8Array(), "reply"), {
    channel: 1,
    versions: { v20: true, v15: false },
    authenticationTypes: { extended: true },
  });
  t.equal(ask(request(getDeviceId, {}))?.completionCode, 0xd4);
});

for (const suite of [cipherSuites[3], cipherSuites[17]]) {
  t.test(`a session with cipher suite ${suite.id} begins as USER and may do more once it has asked for it`, async (t) => {
    const { exchange, chassis } = bench(t);
    const console = logIn(exchange, { suite });
    t.equal(console.ask(getDeviceId, {})?.completionCode, 0);
    t.equal(console.ask(chassisControl, { action: { code: 0 } })?.completionCode, 0xd4);
    t.match(console.ask(setSessionPrivilegeLevel, { privilege: 4 }), { completionCode: 0, data: Uint8Array.of(4) });
    t.equal(console.ask(chassisControl, { action: { code: 0 } })?.completionCode, 0);
    t.same(chassis.executed, ["off"]);
  });
}

t.test("a cipher suite it does not have is refused", async (t) => {
  const { exchange } = bench(t);
  t.match(openSession(exchange, cipherSuites[8], 1), { status: rakpStatus.noCipherSuiteMatch, body: undefined });
});

t.test("an unknown user and a role above the user's are refused in RAKP 2", async (t) => {
  const { exchange } = bench(t);
  const rakp = (userName: string, role: number) => {
    const managedId = openSession(exchange, cipherSuites[17], 1).body?.managedSessionId ?? 0;
    return () => beginRakp(exchange, { managedId, consoleId: 1, userName, role });
  };
  t.throws(rakp("nobody", 0x14), { message: `RAKP 2 status ${rakpStatus.unauthorizedName}` });
  t.throws(rakp("admin", 0x15), { message: `RAKP 2 status ${rakpStatus.unauthorizedRole}` });
});

t.test("a proof made with another password is refused in RAKP 4, and the slot is free again", async (t) => {
  const { exchange } = bench(t, { sessionSlots: 1 });
  const managedId = openSession(exchange, cipherSuites[17], 1).body?.managedSessionId ?? 0;
  const facts = beginRakp(exchange, { managedId, consoleId: 1, userName: "admin", role: 0x14 });
  const authCode = rakp3Code(cipherSuites[17], passwordKey("wrong"), facts);
  const proof = encode(rakp3, { tag: 2, status: 0, managedSessionId: managedId, body: { authCode } });
  const reply = handshake(exchange, payloadType.rakp3, proof) ?? new Uint8Array();
  t.match(decode(rakp4, reply, "RAKP 4"), { status: rakpStatus.invalidIntegrityCheck });
  t.ok(logIn(exchange));
});

t.test("slots are few: half-open sessions are given up after 10 s, silent ones after 60 s", async (t) => {
  const { exchange, clock } = bench(t, { sessionSlots: 2 });
  const console = logIn(exchange);
  openSession(exchange, cipherSuites[17], 2);
  t.equal(openSession(exchange, cipherSuites[17], 3).status, rakpStatus.noResources);
  await clock.advance(12_000);
  t.equal(openSession(exchange, cipherSuites[17], 3).status, rakpStatus.ok);
  await clock.advance(40_000);
  t.ok(console.ask(getDeviceId, {}), "what is said keeps a session alive");
  await clock.advance(59_000);
  t.ok(console.ask(getDeviceId, {}));
  await clock.advance(62_000);
  t.notOk(console.ask(getDeviceId, {}));
  t.equal(clock.pendingTimers, 0, "no timer while there is no session");
});

t.test("a datagram that comes twice is executed once; a request repeated under a new number is executed again", async (t) => {
  const { exchange, chassis } = bench(t);
  const console = logIn(exchange);
  console.ask(setSessionPrivilegeLevel, { privilege: 4 });
  const reset = request(chassisControl, { action: { code: 3 } }, 5);
  const datagram = console.seal(payloadType.ipmi, reset);
  t.equal(exchange(datagram).length, 1);
  t.equal(exchange(datagram).length, 0);
  t.equal(exchange(console.seal(payloadType.ipmi, reset)).length, 1);
  t.same(chassis.executed, ["reset", "reset"]);
});

t.test("forged, unsealed and unknown packets are dropped without a word", async (t) => {
  const { exchange, chassis } = bench(t);
  const console = logIn(exchange);
  const status = request(getChassisStatus, {});
  const forged = console.seal(payloadType.ipmi, status);
  forged[forged.length - 1] = (forged[forged.length - 1] ?? 0) ^ 1;
  t.same(exchange(forged), []);
  const bare = { payloadType: payloadType.ipmi, encrypted: false, authenticated: false, sequence: 9, payload: status };
  t.same(exchange(encodeSession20({ ...bare, sessionId: console.managedId })), []);
  t.same(exchange(encodeSession20({ ...bare, sessionId: 12345 })), []);
  for (let length = 0; length < forged.length; length += 1) t.same(exchange(forged.subarray(0, length)), []);
  t.same(chassis.executed, []);
});

t.test("no damaged datagram brings it down, and none is executed", async (t) => {
  const { exchange, chassis } = bench(t);
  const console = logIn(exchange);
  const random = seeded(20261121);
  const originals = [
    Buffer.from("0600ff06000011be80420000", "hex"),
    encodeSession15({ authenticationType: 0, sequence: 0, sessionId: 0, authCode: undefined, payload: request(getDeviceId, {}) }),
    ...[payloadType.openSessionRequest, payloadType.rakp1, payloadType.rakp3].map((type) =>
      encodeSession20({
        payloadType: type,
        encrypted: false,
        authenticated: false,
        sessionId: 0,
        sequence: 0,
        payload: new Uint8Array(44),
      }),
    ),
    console.seal(payloadType.ipmi, request(chassisControl, { action: { code: 0 } })),
  ];
  for (let round = 0; round < 3_000; round += 1) {
    const damaged = Uint8Array.from(originals[round % originals.length] ?? []);
    for (let changes = 0; changes <= round % 4; changes += 1) damaged[Math.floor(random() * damaged.length)] = Math.floor(random() * 256);
    exchange(damaged.subarray(0, round % 5 === 0 ? Math.floor(random() * damaged.length) : damaged.length));
  }
  t.same(chassis.executed, []);
  t.equal(console.ask(getDeviceId, {})?.completionCode, 0, "and it still answers");
});

t.test("unknown commands and requests that are too short get their completion codes", async (t) => {
  const { exchange } = bench(t);
  const console = logIn(exchange);
  const unknown = { ...getDeviceId, cmd: 0x7f };
  t.equal(console.ask(unknown, {})?.completionCode, 0xc1);
  t.equal(console.ask({ ...closeSession, request: getDeviceId.request }, {})?.completionCode, 0xc7);
});

t.test("cycle, reset, interrupt and soft need a machine that is on", async (t) => {
  const { exchange, chassis } = bench(t);
  const console = logIn(exchange);
  console.ask(setSessionPrivilegeLevel, { privilege: 3 });
  chassis.on = false;
  const codes = [0, 1, 2, 3, 4, 5].map((code) => console.ask(chassisControl, { action: { code } })?.completionCode);
  t.same(codes, [0, 0, 0xd5, 0xd5, 0xd5, 0xd5]);
  t.same(chassis.executed, ["off", "on"]);
});

t.test("the identify light goes out by itself, or when it is told to", async (t) => {
  const { exchange, clock } = bench(t);
  const console = logIn(exchange);
  console.ask(setSessionPrivilegeLevel, { privilege: 3 });
  const light = () => decode(getChassisStatus.reply, console.ask(getChassisStatus, {})?.data ?? new Uint8Array(), "").chassis.identify;
  t.equal(light(), 0);
  console.ask(chassisIdentify, { seconds: undefined, force: undefined });
  t.equal(light(), 1);
  await clock.advance(15_000);
  t.equal(light(), 0);
  console.ask(chassisIdentify, { seconds: 200, force: { on: true } });
  await clock.advance(30_000);
  t.equal(light(), 2);
  console.ask(chassisIdentify, { seconds: 0, force: undefined });
  t.equal(light(), 0);
});

t.test("the event log is full at last, says so, and is cleared only by whoever has reserved it", async (t) => {
  const { exchange } = bench(t);
  const console = logIn(exchange);
  console.ask(setSessionPrivilegeLevel, { privilege: 3 });
  const info = () => decode(getSelInfo.reply, console.ask(getSelInfo, {})?.data ?? new Uint8Array(), "");
  for (let count = 0; count < 520; count += 1) console.ask(chassisControl, { action: { code: 4 } });
  t.match(info(), { entries: 512, freeBytes: 0, operations: { overflow: true } });
  const marker = Buffer.from("CLR");
  t.equal(console.ask(clearSel, { reservation: 7, marker, action: 0xaa })?.completionCode, 0xc5);
  const { reservation } = decode(reserveSel.reply, console.ask(reserveSel, {})?.data ?? new Uint8Array(), "");
  t.equal(console.ask(clearSel, { reservation, marker: Buffer.from("XXX"), action: 0xaa })?.completionCode, 0xcc);
  t.equal(console.ask(clearSel, { reservation, marker, action: 0xaa })?.completionCode, 0);
  t.match(info(), { entries: 1, operations: { overflow: false } });
  t.equal(console.ask(clearSel, { reservation, marker, action: 0xaa })?.completionCode, 0xc5, "a reservation is good once");
  t.equal(console.ask(getSelEntry, { reservation: 0, record: 3, offset: 0, count: 0xff })?.completionCode, 0xcb, "no such record any more");
});

t.test("SOL belongs to one session, is refused to others, can be taken away, and ends with its session", async (t) => {
  const { exchange, serial, outbox } = bench(t);
  const [first, second] = [logIn(exchange, { consoleId: 1 }), logIn(exchange, { consoleId: 2 })];
  const holder = () =>
    decode(getPayloadInstanceInfo.reply, first.ask(getPayloadInstanceInfo, activateSol)?.data ?? new Uint8Array(), "").sessionId;
  for (const console of [first, second]) console.ask(setSessionPrivilegeLevel, { privilege: 4 });
  t.equal(holder(), 0);
  t.equal(first.ask(activatePayload, { ...activateSol, options: { ...solOptions, encrypted: false } })?.completionCode, 0x84);
  t.equal(first.ask(activatePayload, activateSol)?.completionCode, 0);
  t.equal(second.ask(activatePayload, activateSol)?.completionCode, 0x80);
  t.equal(holder(), first.managedId);
  const datagrams = exchange(second.seal(payloadType.ipmi, request(deactivatePayload, activateSol)));
  const notice = datagrams.map((each) => first.open(each)).find((each) => each?.payloadType === payloadType.sol);
  t.match(decodeSol(notice?.payload ?? new Uint8Array()), { flags: solStatus.deactivated });
  t.equal(second.ask(deactivatePayload, activateSol)?.completionCode, 0x80, "already deactivated");
  t.equal(second.ask(activatePayload, activateSol)?.completionCode, 0);
  t.equal(holder(), second.managedId);
  second.ask(closeSession, { sessionId: second.managedId });
  t.equal(holder(), 0);
  serial.transmit(new Uint8Array(300));
  t.same(outbox, []);
});

t.test("SOL carries characters both ways inside the session", async (t) => {
  const { exchange, serial, clock, outbox } = bench(t);
  const console = logIn(exchange);
  console.ask(setSessionPrivilegeLevel, { privilege: 4 });
  console.ask(activatePayload, activateSol);
  const typed: string[] = [];
  serial.onReceive((data) => void typed.push(Buffer.from(data).toString()));
  const [ack] = exchange(
    console.seal(payloadType.sol, encodeSol({ sequence: 1, acknowledged: 0, accepted: 0, flags: 0, data: Buffer.from("ls\r") })),
  );
  t.match(decodeSol(console.open(ack)?.payload ?? new Uint8Array()), { sequence: 0, acknowledged: 1, accepted: 3 });
  t.same(typed, ["ls\r"]);
  serial.transmit(Buffer.from("hello"));
  await clock.advance(10);
  t.match(decodeSol(console.open(outbox[0])?.payload ?? new Uint8Array()), { sequence: 1, data: Buffer.from("hello") });
});
