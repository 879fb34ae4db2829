/** Our side of the SOL benchmark, a process of its own: consoles of BMCs captured to disk as a site agent does it. */
import { randomBytes } from "node:crypto";
import { Captures } from "../../../agent/capture/captures.js";
import type { Capture } from "../../../agent/capture/capture.js";
import { BmcPool } from "../../../agent/drivers/bmc.js";
import { openSolConsole } from "../../../agent/drivers/console/sol.js";
import { UdpTransport, type BmcOptions } from "../../../agent/ipmi/index.js";
import { systemClock } from "../../../proto/base/clock.js";
import { silentLogger } from "../../../proto/base/logger.js";
import { until } from "../condition.js";
import { login } from "../farm/simulator-files.js";
import { takeOrders } from "../order-channel.js";
import { addChecks, checkLines, noLines } from "./console-lines.js";
import { connectWithinMs, type DaemonCheck } from "./daemon.js";

export interface ConsoleBmc {
  readonly node: string;
  readonly address: string;
  readonly port: number;
}

export type Order =
  | { readonly kind: "open"; readonly bmcs: readonly ConsoleBmc[]; readonly directory: string }
  | { readonly kind: "logged" }
  | { readonly kind: "check"; readonly round: number; readonly lines: number };

export interface Told {
  readonly logged: number;
  readonly check?: DaemonCheck;
}

const transport = new UdpTransport();
const pool = new BmcPool({ clock: systemClock, log: silentLogger, transport, random: (length) => randomBytes(length) });
let captures: Captures | undefined;

async function obey(order: Order): Promise<Told> {
  if (order.kind === "open") await open(order.bmcs, order.directory);
  if (order.kind === "check") return { logged: logged(), check: await check(order) };
  return { logged: logged() };
}

async function open(bmcs: readonly ConsoleBmc[], directory: string): Promise<void> {
  const opened = new Captures({ directory, clock: systemClock, logger: silentLogger });
  captures = opened;
  for (const bmc of bmcs) opened.add(bmc.node, openSolConsole(pool, { bmc: bmcOptions(bmc), steal: true }));
  const up = () => opened.list().every(({ status }) => status.state === "up");
  await until("every console to be connected", up, { withinMs: connectWithinMs, everyMs: 10 }).catch((cause: unknown) => {
    const down = opened.list().filter(({ status }) => status.state !== "up");
    throw new Error(`${down.length} consoles are not connected; ${down[0]?.node}: ${down[0]?.status.reason}`, { cause });
  });
}

/** The suite is given, as it is to conmand: ipmi_sim has 3 and not 17. */
function bmcOptions({ address, port }: ConsoleBmc): BmcOptions {
  return { address, port, ...login, privilege: "administrator", cipherSuites: [3] };
}

function logged(): number {
  return captures?.list().reduce((sum, { log }) => sum + log.end, 0) ?? 0;
}

async function check({ round, lines }: { round: number; lines: number }): Promise<DaemonCheck> {
  let all = noLines;
  const losses: string[] = [];
  for (const [console, capture] of (captures?.list() ?? []).entries()) {
    const log = await readBack(capture);
    all = addChecks(all, checkLines(log.text, { console, round, lines }));
    losses.push(...log.losses);
  }
  return { lines: all, losses };
}

/** By the way every follower reads a log. */
async function readBack(capture: Capture): Promise<{ readonly text: string; readonly losses: readonly string[] }> {
  const parts: string[] = [];
  const losses: string[] = [];
  for await (const event of capture.follow({ from: { offset: 0 }, live: false })) {
    if (event.kind === "data") parts.push(Buffer.from(event.data).toString("latin1"));
    if (event.kind === "gap") losses.push(`${capture.node}: ${event.cause} at ${event.offset}: ${event.detail}`);
  }
  return { text: parts.join(""), losses };
}

takeOrders(obey, async () => {
  await captures?.close();
  await pool.close();
  await transport.close();
});
