/** lab tail: serial lines of many nodes, merged in time order. */
import type { Clock, Timer } from "../../../proto/base/clock.js";
import { InvalidArgumentError } from "../../../proto/base/errors.js";
import type { FollowRequest } from "../../../proto/gen/lab/v1/console.js";
import type { Connection } from "../connection.js";
import { ConsoleLines, type ConsoleText } from "../console/console-lines.js";
import { TimeMerge } from "../console/time-merge.js";
import { type Context, withLab } from "../context.js";
import { toJson } from "../json.js";
import { pad, type Style } from "../terminal.js";
import { parseSince, timeOfDay } from "../units.js";
import { nodeNames } from "./power.js";

export interface TailOptions {
  readonly follow: boolean;
  readonly since?: string | undefined;
  readonly boot?: string | undefined;
  readonly lines?: string | undefined;
  readonly timestamps: boolean;
  /** Ends after this long; undefined = when the caller does. */
  readonly forMs?: number | undefined;
}

/** A line without its end is shown after this long: a prompt waits for an answer, not for a line end. */
const promptAfterMs = 300;
/** Lines held back per console while the others catch up. */
const maxWaiting = 1000;

export async function tail(context: Context, nodeset: string, options: TailOptions): Promise<void> {
  await withLab(context, async (lab) => {
    const nodes = await nodeNames(lab, nodeset, context.signal);
    await tailNodes(context, lab, nodes, options);
  });
}

/** Prints until the history is told, or with `follow` until the signal aborts. */
export async function tailNodes(context: Context, lab: Connection, nodes: readonly string[], options: TailOptions): Promise<void> {
  const from = startingPoint(options, context.clock.now());
  const merge = new TimeMerge();
  const width = Math.max(...nodes.map((node) => node.length));
  const print = () => {
    for (const text of merge.take())
      context.terminal.print(
        context.json ? toJson(text) : lineOf(text, nodes.indexOf(text.node), width, options.timestamps, context.terminal.style),
      );
  };
  await Promise.all(
    nodes.map(async (node) => {
      const source = merge.add();
      await readConsole(lab, node, { from, live: options.follow }, context.clock, context.signal, {
        texts: (texts) => {
          for (const text of texts) merge.push(source, text);
          print();
        },
        live: () => {
          merge.markLive(source);
          print();
        },
        full: () => merge.waiting(source) > maxWaiting,
      });
    }),
  );
}

interface Reader {
  texts(texts: readonly ConsoleText[]): void;
  live(): void;
  full(): boolean;
}

async function readConsole(
  lab: Connection,
  node: string,
  what: { from: FollowRequest["from"]; live: boolean },
  clock: Clock,
  signal: AbortSignal,
  reader: Reader,
): Promise<void> {
  const lines = new ConsoleLines(node);
  let prompt: Timer | undefined;
  try {
    for await (const event of lab.consoles.follow({ node, from: what.from, live: what.live, untilOffset: 0n }, { signal })) {
      prompt?.cancel();
      if (event.event?.$case === "live") reader.live();
      else reader.texts(lines.push(event));
      if (lines.hasRest) prompt = clock.after(promptAfterMs, () => reader.texts(lines.flush()));
      while (reader.full() && !signal.aborted) await new Promise<void>((resolve) => void clock.after(20, resolve));
    }
    reader.texts(lines.flush());
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    prompt?.cancel();
    reader.live();
  }
}

function startingPoint(options: TailOptions, nowMs: number): FollowRequest["from"] {
  const given = (["boot", "since", "lines"] as const).filter((name) => options[name] !== undefined);
  if (given.length > 1) throw new InvalidArgumentError(`choose one of ${given.map((name) => `--${name}`).join(", ")}`);
  if (options.boot !== undefined) {
    const boot = Number(options.boot);
    if (!Number.isInteger(boot) || boot === 0)
      throw new InvalidArgumentError(`--boot ${options.boot}: give a boot's number, or -1 for the current one, -2 for the one before`);
    return { $case: "boot", value: boot };
  }
  if (options.since !== undefined) {
    const timeMs = parseSince(options.since, nowMs);
    if (timeMs === undefined) throw new InvalidArgumentError(`--since ${options.since}: give 10m, 2h, yesterday or an ISO time`);
    return { $case: "timeMs", value: BigInt(Math.round(timeMs)) };
  }
  const lines = Number(options.lines ?? "10");
  if (!Number.isInteger(lines) || lines < 0) throw new InvalidArgumentError(`--lines ${options.lines}: give a whole number`);
  return { $case: "lines", value: lines };
}

/** "03:13:20.114 p0 ▏[   12.703361] fit: …" */
export function lineOf(text: ConsoleText, index: number, width: number, timestamps: boolean, style: Style): string {
  const head = `${timestamps ? `${style.dim(timeOfDay(text.timeMs))} ` : ""}${style.node(index)(pad(text.node, width))} `;
  return text.kind === "line" ? `${head}▏${text.text}` : `${head}${style.yellow(`┄┄ ${text.text} ┄┄`)}`;
}
