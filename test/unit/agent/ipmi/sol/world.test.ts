/** The one promise of the SOL data plane, over thousands of networks: every byte once and in order, or a loss that says so. */
import t from "tap";
import { SolWorld, type Outcome, type Weather } from "../../../../support/ipmi/sol-world.js";

const calm: Weather = { drop: 0, double: 0, delayMs: 1, stall: 0, stallMs: 0, restart: 0 };

/** Why an outcome breaks the promise; undefined when it does not. */
function broken({ printed, typed, pieces, atMachine }: Outcome, lossless: boolean, drop: number): string | undefined {
  // Eight unanswered copies in a row make us type under another number, which the BMC cannot know for the same text (README, "SOL").
  if (drop <= 10 && atMachine !== typed) return `typed text arrived as ${JSON.stringify(atMachine)}`;
  if (lossless && pieces.length > 1) return `${pieces.length - 1} losses told where nothing was lost`;
  if (pieces.length === 1 && pieces[0] !== printed) return `printed text arrived as ${JSON.stringify(pieces[0])}`;
  let at = 0;
  for (const piece of pieces) {
    const found = printed.indexOf(piece, at);
    if (found < 0) return `${JSON.stringify(piece)} is not what was printed after ${at}`;
    at = found + piece.length;
  }
  return undefined;
}

function holds(name: string, weather: Partial<Weather>, seeds: number): void {
  t.test(`${name} (${seeds} seeds)`, (t) => {
    const whole = { ...calm, ...weather };
    // A BMC gives up after seven copies: with 5 of 100 datagrams dropped that never happens here.
    const lossless = whole.restart === 0 && whole.stallMs < 300 && whole.drop <= 5;
    let packets = 0;
    let losses = 0;
    for (let seed = 1; seed <= seeds; seed += 1) {
      const outcome = new SolWorld(seed, whole).run();
      const why = broken(outcome, lossless, whole.drop);
      if (why !== undefined) return t.fail(`seed ${seed}: ${why}`);
      packets += outcome.packets;
      losses += outcome.pieces.length - 1;
    }
    t.pass(`${packets} datagrams, ${losses} losses told`);
    return t.end();
  });
}

holds("a calm network", {}, 100);
holds("datagrams are dropped, doubled and overtake each other", { drop: 10, double: 15, delayMs: 20 }, 1000);
holds("our process stalls while the BMC repeats and adds", { drop: 5, double: 5, delayMs: 20, stall: 4, stallMs: 250 }, 700);
holds("a stall outlasts the BMC's patience: what it gave up is a loss", { drop: 10, double: 5, delayMs: 20, stall: 4, stallMs: 1500 }, 500);
holds("a network that drops every fourth datagram", { drop: 25, double: 10, delayMs: 20 }, 300);
holds("the BMC restarts and counts from anywhere", { drop: 10, double: 10, delayMs: 20, restart: 10 }, 500);
