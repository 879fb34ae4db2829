/** What our client must be able to do with every BMC that is not ours, and with ours, on a UDP port each. */
import { randomBytes } from "node:crypto";
import t, { type Test } from "tap";
import { LoginWindow, openBmc, UdpTransport, type Bmc, type BmcOptions, type SolStream } from "../../../agent/ipmi/index.js";
import { systemClock } from "../../../proto/base/clock.js";
import { silentLogger } from "../../../proto/base/logger.js";

/** A BMC to be checked, and the machine behind it, which is off. */
export interface Peer {
  readonly options: BmcOptions;
  /** What the machine did so far. */
  executed(): readonly string[];
  /** The machine prints. */
  print(text: string): void;
  /** What the machine was typed so far. */
  typed(): string;
  stop(): Promise<void>;
}

export interface PeerKind {
  readonly name: string;
  /** Why it cannot be had, or false. */
  readonly missing: string | false;
  readonly start: (t: Test) => Promise<Peer>;
  /** Of 17 and 3. */
  readonly suites: readonly number[];
  /** What its machine does for a cycle. */
  readonly cycle: readonly string[];
  /** Workarounds our client may find out after power and console: it must find out none that is not needed. */
  readonly mayLearn: readonly string[];
}

export function clientChecks(kind: PeerKind): void {
  const check = (name: string, body: (t: Test, peer: Peer, open: (options?: Partial<BmcOptions>) => Bmc) => Promise<void>) =>
    t.test(`${kind.name}: ${name}`, { skip: kind.missing, timeout: 30_000 }, async (t) => {
      const peer = await kind.start(t);
      t.teardown(() => peer.stop());
      const transport = new UdpTransport();
      t.teardown(() => transport.close());
      const deps = { clock: systemClock, log: silentLogger, transport, random: randomBytes, logins: new LoginWindow() };
      await body(t, peer, (options = {}) => {
        const bmc = openBmc({ ...peer.options, ...options }, deps);
        t.teardown(() => bmc.close());
        return bmc;
      });
    });

  check("lets us in with the suites it has, told by number or not, and with no other", async (t, _peer, open) => {
    t.equal((await open().deviceId()).ipmiVersion, 2);
    for (const suite of [17, 3]) {
      const asked = open({ cipherSuites: [suite] }).deviceId();
      if (kind.suites.includes(suite)) t.equal((await asked).ipmiVersion, 2);
      else await t.rejects(asked, { code: "unsupported", message: new RegExp(`refuses every cipher suite offered \\(suite ${suite}: `) });
    }
  });

  check("executes every power command once", async (t, peer, open) => {
    const bmc = open();
    const expected: string[] = [];
    const command = async (verb: "on" | "off" | "cycle" | "reset", effect: readonly string[]) => {
      expected.push(...effect);
      await bmc.chassisControl(verb);
      await until(`${expected.length} acts`, () => peer.executed().length >= expected.length);
      t.equal((await bmc.chassisStatus()).power.on, verb !== "off", verb);
    };
    t.equal((await bmc.chassisStatus()).power.on, false);
    await command("on", ["on"]);
    await command("off", ["off"]);
    await command("on", ["on"]);
    await command("cycle", kind.cycle);
    await command("reset", ["reset"]);
    t.same(peer.executed(), expected);
  });

  check("a wrong password is told at once, and does no harm to the right one", async (t, _peer, open) => {
    const began = performance.now();
    await t.rejects(open({ password: "Secret" }).chassisStatus(), { code: "authentication" });
    t.ok(performance.now() - began < 2000, "no waiting for a timeout");
    t.equal((await open().chassisStatus()).power.on, false);
  });

  check("the console works both ways, while power is read on the same session", async (t, peer, open) => {
    const bmc = open();
    const stream = await bmc.openSol();
    const text = Array.from({ length: 200 }, (_, line) => `${String(line).padStart(4, "0")} the quick brown fox\r\n`).join("");
    const reading = readText(stream, text.length);
    peer.print(text);
    t.equal((await bmc.chassisStatus()).power.on, false);
    t.equal(await reading, text);
    const typed = "root\npassword\nls -l /\n".repeat(10);
    await stream.write(Buffer.from(typed));
    await until("what was typed", () => peer.typed().length >= typed.length);
    t.equal(peer.typed(), typed);
    await stream.close();
    const again = await bmc.openSol();
    peer.print("again");
    t.equal(await readText(again, 5), "again");
    await again.close();
    const needless = bmc.learned().filter(({ name }) => !kind.mayLearn.includes(name));
    t.same(needless, []);
  });

  check("sessions are given back: more logins one after another than it has room for", async (t, _peer, open) => {
    for (let login = 0; login < 24; login += 1) {
      const bmc = open();
      await bmc.deviceId();
      await bmc.close();
      const { sent, received } = bmc.traffic();
      // Capabilities, Open Session, RAKP 1, RAKP 3, privilege, device id, close; a refused suite is one more.
      if (sent > 8 || received > 8) t.fail(`login ${login} took ${sent} datagrams and ${received} answers`);
    }
    t.pass("none was left over");
  });
}

/** So many characters of a console; a loss is part of the text and so breaks the comparison. */
async function readText(stream: SolStream, length: number): Promise<string> {
  let text = "";
  for await (const event of stream.events) {
    if (event.kind === "bytes") text += Buffer.from(event.data).toString("latin1");
    if (event.kind === "loss") text += `[loss: ${event.detail}]`;
    if (text.length >= length) break;
  }
  return text;
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 15_000;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error(`waited 15 s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
