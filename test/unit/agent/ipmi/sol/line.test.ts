import t from "tap";
import { openLine, stepLine, type SolLine, type SolLineEffect, type SolLineEvent } from "../../../../../agent/ipmi/sol/index.js";
import { solOperation, solStatus, type SolPacket } from "../../../../../agent/ipmi/wire/index.js";
import { seededBytes } from "../../../../support/ipmi/bytes.js";

const text = (value: string) => new TextEncoder().encode(value);
const read = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** A line and everything it did. */
class Driven {
  line: SolLine;
  order = 0;
  /** A second passes before each packet. */
  atMs = 0;
  delivered = "";
  accepted = 0;
  effects: SolLineEffect[] = [];

  constructor(chunkBytes = 255) {
    this.line = openLine(chunkBytes);
  }

  step(event: SolLineEvent): readonly SolLineEffect[] {
    const { line, effects } = stepLine(this.line, event);
    this.line = line;
    this.effects.push(...effects);
    for (const effect of effects) {
      if (effect.kind === "deliver") this.delivered += read(effect.data);
      if (effect.kind === "accepted") this.accepted += effect.count;
    }
    return effects;
  }

  receive(packet: Partial<SolPacket>, order = ++this.order): readonly SolLineEffect[] {
    return this.step({
      kind: "received",
      packet: { sequence: 0, acknowledged: 0, accepted: 0, flags: 0, data: new Uint8Array(0), ...packet },
      order,
      atMs: (this.atMs += 1000),
    });
  }

  /** Packets sent by a step. */
  static sent(effects: readonly SolLineEffect[]): readonly SolPacket[] {
    return effects.flatMap((effect) => (effect.kind === "send" ? [effect.packet] : []));
  }
}

t.test("characters are delivered and acknowledged in the same step, from any first number", (t) => {
  const line = new Driven();
  t.match(Driven.sent(line.receive({ sequence: 9, data: text("abc") })), [{ sequence: 0, acknowledged: 9, accepted: 3, flags: 0 }]);
  t.match(Driven.sent(line.receive({ sequence: 10, data: text("def") })), [{ acknowledged: 10, accepted: 3 }]);
  line.receive({ sequence: 3, data: text("ghi") });
  t.equal(line.delivered, "abcdefghi");
  t.end();
});

t.test("numbers wrap from 15 to 1", (t) => {
  const line = new Driven();
  for (let i = 0; i < 40; i += 1) line.receive({ sequence: (i % 15) + 1, data: text(String(i % 10)) });
  t.equal(line.delivered, "0123456789".repeat(4));
  t.end();
});

t.test("a repeated packet is acknowledged again and delivered once", (t) => {
  const line = new Driven();
  line.receive({ sequence: 1, data: text("abc") });
  t.match(Driven.sent(line.receive({ sequence: 1, data: text("abc") })), [{ acknowledged: 1, accepted: 3 }]);
  t.equal(line.delivered, "abc");
  t.end();
});

t.test("of a repeated packet that grew only the new tail is delivered, and the whole is acknowledged", (t) => {
  const line = new Driven();
  line.receive({ sequence: 1, data: text("abc") });
  t.match(Driven.sent(line.receive({ sequence: 1, data: text("abcdef") })), [{ acknowledged: 1, accepted: 6 }]);
  t.match(Driven.sent(line.receive({ sequence: 1, data: text("abcdefgh") })), [{ acknowledged: 1, accepted: 8 }]);
  line.receive({ sequence: 2, data: text("ijk") });
  t.equal(line.delivered, "abcdefghijk");
  t.end();
});

t.test("other characters under the number of the last packet are news: a BMC that restarted can come upon any number", (t) => {
  const line = new Driven();
  line.receive({ sequence: 5, data: text("before the restart") });
  const effects = line.receive({ sequence: 5, data: text("after it"), flags: solStatus.transmitOverrun });
  t.match(Driven.sent(effects), [{ acknowledged: 5, accepted: 8 }]);
  t.equal(line.delivered, "before the restartafter it");
  t.equal(line.effects.filter(({ kind }) => kind === "overrun").length, 1);
  t.end();
});

t.test("a grown copy may cross any of our acknowledgements, the latest as well", (t) => {
  const line = new Driven();
  line.receive({ sequence: 1, data: text("abc") });
  line.receive({ sequence: 1, data: text("abc") });
  line.atMs -= 1000;
  t.match(Driven.sent(line.receive({ sequence: 1, data: text("abcdef") })), [{ acknowledged: 1, accepted: 3 }]);
  line.receive({ sequence: 2, data: text("def") });
  t.equal(line.delivered, "abcdef");
  t.end();
});

t.test("a grown copy that crossed our acknowledgement is not taken twice", (t) => {
  const line = new Driven();
  const crossing = (packet: Partial<SolPacket>) => {
    line.atMs -= 1000;
    return line.receive(packet);
  };
  // Both copies wait in our socket while the process stalls; the BMC hears the first acknowledgement and sends the rest anew.
  line.receive({ sequence: 1, data: text("abc") });
  t.match(Driven.sent(crossing({ sequence: 1, data: text("abcdef") })), [{ acknowledged: 1, accepted: 3 }]);
  t.match(Driven.sent(crossing({ sequence: 1, data: text("abcdefgh") })), [{ acknowledged: 1, accepted: 3 }]);
  line.receive({ sequence: 2, data: text("defgh") });
  t.equal(line.delivered, "abcdefgh");
  t.end();
});

t.test("a grown copy is taken when it comes again, because then no acknowledgement has arrived", (t) => {
  const line = new Driven();
  line.receive({ sequence: 1, data: text("abc") });
  line.atMs -= 1000;
  line.receive({ sequence: 1, data: text("abcdef") });
  t.match(Driven.sent(line.receive({ sequence: 1, data: text("abcdef") })), [{ acknowledged: 1, accepted: 6 }]);
  t.equal(line.delivered, "abcdef");
  t.end();
});

t.test("a copy overtaken on the network by its successor is not delivered again", (t) => {
  const line = new Driven();
  line.receive({ sequence: 4, data: text("abc") }, 10);
  line.receive({ sequence: 5, data: text("def") }, 12);
  t.same(Driven.sent(line.receive({ sequence: 4, data: text("abc") }, 11)), []);
  line.receive({ sequence: 6, data: text("ghi") }, 13);
  t.equal(line.delivered, "abcdefghi");
  t.end();
});

t.test("what is written goes out in chunks, each after the one before was accepted", (t) => {
  const line = new Driven(4);
  t.match(
    Driven.sent(line.step({ kind: "write", data: text("abcdefghij") })).map(({ data }) => read(data)),
    ["abcd"],
  );
  t.match(Driven.sent(line.receive({ acknowledged: 1, accepted: 4 })), [{ sequence: 2, data: text("efgh") }]);
  t.match(Driven.sent(line.receive({ acknowledged: 1, accepted: 4 })), [], "an old acknowledgement");
  t.match(Driven.sent(line.receive({ acknowledged: 2, accepted: 4 })), [{ sequence: 3, data: text("ij") }]);
  line.receive({ acknowledged: 3, accepted: 2 });
  t.equal(line.accepted, 10);
  t.end();
});

t.test("the tail a BMC did not accept is sent again under the next number", (t) => {
  const line = new Driven();
  line.step({ kind: "write", data: text("abcdefghij") });
  t.match(Driven.sent(line.receive({ acknowledged: 1, accepted: 7 })), [{ sequence: 2, data: text("hij") }]);
  line.receive({ acknowledged: 2, accepted: 3 });
  t.equal(line.accepted, 10);
  t.end();
});

t.test("a BMC with a full buffer gets a pause, which its word or the timer ends", (t) => {
  for (const resume of ["word", "timer"] as const) {
    const line = new Driven();
    line.step({ kind: "write", data: text("abcdef") });
    t.same(Driven.sent(line.receive({ acknowledged: 1, accepted: 2, flags: solStatus.nack })), []);
    const resumed = resume === "word" ? line.receive({}) : line.step({ kind: "timer" });
    t.match(Driven.sent(resumed), [{ sequence: 2, data: text("cdef") }], resume);
  }
  t.end();
});

t.test("more accepted than was sent means that a number was taken for an older packet's: all of it is sent again", (t) => {
  const line = new Driven();
  line.step({ kind: "write", data: text("abc") });
  t.match(Driven.sent(line.receive({ acknowledged: 1, accepted: 200 })), [{ sequence: 2, data: text("abc") }]);
  t.equal(line.accepted, 0);
  t.end();
});

t.test("an unacknowledged packet is sent again as it was, later under a new number, and at last the line ends", (t) => {
  const line = new Driven();
  const sent = [...Driven.sent(line.step({ kind: "write", data: text("abc") }))];
  while (!line.line.ended) sent.push(...Driven.sent(line.step({ kind: "timer" })));
  t.equal(sent.length, 16);
  t.ok(sent.every(({ data }) => read(data) === "abc"));
  t.same([...new Set(sent.map(({ sequence }) => sequence))], [1, 2]);
  t.match(line.effects.at(-1), { kind: "ended", reason: "unacknowledged" });
  t.end();
});

t.test("a BREAK overtakes what waits, is not repeated, and does not wait forever", (t) => {
  const line = new Driven(2);
  line.step({ kind: "write", data: text("abcd") });
  line.step({ kind: "break" });
  const [packet] = Driven.sent(line.receive({ acknowledged: 1, accepted: 2 }));
  t.match(packet, { sequence: 2, flags: solOperation.break });
  t.equal(packet?.data.length, 0);
  const after = line.step({ kind: "timer" });
  t.match(after[0], { kind: "break-sent" });
  t.match(Driven.sent(after), [{ sequence: 2, data: text("cd"), flags: 0 }]);
  t.end();
});

t.test("an overrun is a loss at its place in the stream, told once however often its packet is repeated", (t) => {
  const line = new Driven();
  line.receive({ sequence: 1, data: text("abc") });
  const kinds = line.receive({ sequence: 2, data: text("def"), flags: solStatus.transmitOverrun }).map(({ kind }) => kind);
  t.ok(kinds.indexOf("overrun") < kinds.indexOf("deliver"));
  line.receive({ sequence: 2, data: text("def"), flags: solStatus.transmitOverrun });
  t.equal(line.effects.filter(({ kind }) => kind === "overrun").length, 1);
  t.end();
});

t.test("a machine without power is information, not an end", (t) => {
  const line = new Driven();
  line.receive({ flags: solStatus.transferUnavailable });
  line.receive({ flags: solStatus.transferUnavailable });
  line.receive({ sequence: 1, data: text("on again") });
  const notices = line.effects.flatMap((effect) => (effect.kind === "notice" ? [effect.notice] : []));
  t.same(notices, ["transfer-unavailable", "transfer-available"]);
  t.equal(line.delivered, "on again");
  t.end();
});

t.test("deactivation ends the line after the characters that came with it", (t) => {
  const line = new Driven();
  line.receive({ sequence: 1, data: text("bye"), flags: solStatus.deactivated });
  t.equal(line.delivered, "bye");
  t.match(line.effects.at(-1), { kind: "ended", reason: "deactivated" });
  t.same(line.receive({ sequence: 2, data: text("more") }), []);
  t.end();
});

t.test("over a network that drops, repeats and reorders, both directions arrive whole (100 seeds)", (t) => {
  for (let seed = 1; seed <= 100; seed += 1) {
    const result = simulate(seed);
    if (result.toConsole !== result.outbound || result.toBmc !== result.inbound) t.fail(`seed ${seed}: ${JSON.stringify(result)}`);
  }
  t.end();
});

interface Journey {
  readonly outbound: string;
  readonly inbound: string;
  toConsole: string;
  toBmc: string;
}

/** A stop-and-wait BMC that accepts what fits, and a network with seeded faults. */
function simulate(seed: number): Journey {
  const random = seededBytes(seed * 7919);
  const chance = (percent: number) => ((random(1)[0] ?? 0) * 100) / 256 < percent;
  const journey: Journey = {
    outbound: Array.from({ length: 60 }, (_, i) => `out ${i}\n`).join(""),
    inbound: Array.from({ length: 30 }, (_, i) => `in ${i}\n`).join(""),
    toConsole: "",
    toBmc: "",
  };
  const line = new Driven(16);
  const bmc = { sequence: (seed % 15) + 1, at: 0, sent: 0, order: 0, last: 0, lastAccepted: 0 };
  const toConsole: { packet: Partial<SolPacket>; order: number }[] = [];
  const toBmc: SolPacket[] = [];
  const sendOut = () => {
    bmc.sent = Math.min(20, journey.outbound.length - bmc.at);
    const data = text(journey.outbound.slice(bmc.at, bmc.at + bmc.sent));
    const packet = { packet: { sequence: bmc.sequence, data }, order: ++bmc.order };
    toConsole.push(packet);
  };
  const sendIn = (effects: readonly SolLineEffect[]) => {
    for (const packet of Driven.sent(effects)) if (!chance(15)) toBmc.push(packet);
  };
  const atBmc = (packet: SolPacket) => {
    if (packet.acknowledged === bmc.sequence && bmc.sent > 0) {
      bmc.at += packet.accepted;
      bmc.sequence = (bmc.sequence % 15) + 1;
      bmc.sent = 0;
    }
    if (packet.sequence === 0) return;
    if (packet.sequence !== bmc.last) {
      bmc.last = packet.sequence;
      bmc.lastAccepted = chance(30) ? Math.floor(packet.data.length / 2) : packet.data.length;
      journey.toBmc += read(packet.data.subarray(0, bmc.lastAccepted));
    }
    if (!chance(15)) toConsole.push({ packet: { acknowledged: packet.sequence, accepted: bmc.lastAccepted }, order: ++bmc.order });
  };
  sendIn(line.step({ kind: "write", data: text(journey.inbound) }));
  for (let turn = 0; turn < 3000; turn += 1) {
    if (bmc.at < journey.outbound.length && !chance(30)) sendOut();
    const next = toConsole.splice(chance(20) && toConsole.length > 1 ? 1 : 0, 1)[0];
    if (next !== undefined && !chance(15)) sendIn(line.receive(next.packet, next.order));
    const arrived = toBmc.shift();
    if (arrived !== undefined) atBmc(arrived);
    // The timer fires only when nothing of ours is on its way, as a timeout far above the network's delay would.
    if (toBmc.length === 0 && toConsole.length === 0 && line.line.outstanding !== undefined) {
      sendIn(line.step({ kind: "timer" }));
    }
  }
  journey.toConsole = line.delivered;
  return journey;
}
