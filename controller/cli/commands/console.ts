/** lab console: a person at a serial line. Keys go to the line, the line comes to the screen, `~` at the start of a line is ours. */
import { ConflictError, FailedError, InvalidArgumentError } from "../../../proto/base/errors.js";
import { BoundedQueue } from "../../../proto/base/queue.js";
import type { AttachEvent, AttachRequest } from "../../../proto/gen/lab/v1/console.js";
import type { Connection } from "../connection.js";
import { EscapeKeys } from "../console/escape-keys.js";
import { printable, siteText } from "../console/console-lines.js";
import { type Context, withLab } from "../context.js";

/** Lines of history shown on attach: what stood on the screen before. */
const replayLines = 24;
/** Keystrokes on their way to the line: beyond this a paste is faster than any UART, and the person is told. */
const maxQueuedKeys = 4096;
const breakMs = 300;

const help = ["~.  leave", "~b  send BREAK", "~~  send ~", "~?  this help"];

export async function attachConsole(context: Context, node: string, options: { steal: boolean; readOnly: boolean }): Promise<void> {
  await withLab(context, async (lab) => {
    const leave = new AbortController();
    const onAbort = () => leave.abort();
    context.signal.addEventListener("abort", onAbort, { once: true });
    try {
      const writing = options.readOnly ? undefined : writeKeys(context, lab, node, options.steal, leave);
      const reading = showLine(context, lab, node, leave.signal);
      await Promise.race([reading, ...(writing === undefined ? [] : [writing])]);
    } finally {
      leave.abort();
      context.signal.removeEventListener("abort", onAbort);
      if (process.stdin.isTTY) process.stdin.setRawMode(false);
      process.stdin.pause();
    }
  });
}

async function showLine(context: Context, lab: Connection, node: string, signal: AbortSignal): Promise<void> {
  try {
    const request = { node, from: { $case: "lines" as const, value: replayLines }, live: true, untilOffset: 0n };
    for await (const { event } of lab.consoles.follow(request, { signal })) {
      if (event?.$case === "data") process.stdout.write(context.terminal.interactive ? event.value.data : `${printable(event.value.data)}`);
      else if (event?.$case === "gap") context.terminal.note(`\r\n┄┄ gap: ${event.value.cause}: ${event.value.detail} ┄┄\r`);
      else if (event?.$case === "site") context.terminal.note(`\r\n┄┄ ${siteText(event.value)} ┄┄\r`);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function writeKeys(context: Context, lab: Connection, node: string, steal: boolean, leave: AbortController): Promise<void> {
  const requests = new BoundedQueue<AttachRequest>(maxQueuedKeys);
  requests.offer({ request: { $case: "open", value: { node, steal, who: "" } } });
  const events = lab.consoles.attach(requests, { signal: leave.signal });
  try {
    for await (const { event } of events) {
      if (event?.$case === "granted") begin(context, node, event.value, requests, leave);
      else if (event?.$case === "displaced") throw displacedBy(node, event);
    }
    if (!leave.signal.aborted) throw new FailedError(`console ${node}: the line was closed; see lab nodes`);
  } catch (error) {
    if (!leave.signal.aborted) throw error;
  } finally {
    requests.close();
  }
}

function displacedBy(node: string, event: Extract<AttachEvent["event"], { $case: "displaced" }>): ConflictError {
  return new ConflictError(
    `console ${node}: ${event.value} took the line; read on with: lab console ${node} --read-only, or take it back with --steal`,
  );
}

/** The right to write is ours: keys flow from now on. */
function begin(context: Context, node: string, displaced: string, requests: BoundedQueue<AttachRequest>, leave: AbortController): void {
  const { stdin } = process;
  if (context.terminal.interactive) {
    const note = displaced === "" ? "" : ` (taken from ${displaced})`;
    context.terminal.note(`[${node}: you write${note}; ~? for help, ~. to leave]\r`);
  }
  const keys = new EscapeKeys();
  if (stdin.isTTY) stdin.setRawMode(true);
  const offer = (request: AttachRequest) => {
    if (!requests.offer(request))
      leave.abort(new InvalidArgumentError(`console ${node}: more than ${maxQueuedKeys} keys wait for the line`));
  };
  stdin.on("data", (bytes: Buffer) => {
    for (const action of keys.push(bytes)) {
      if (action.kind === "send") offer({ request: { $case: "data", value: Buffer.from(action.bytes) } });
      else if (action.kind === "break") offer({ request: { $case: "breakMs", value: breakMs } });
      else if (action.kind === "help") for (const line of help) context.terminal.note(`${line}\r`);
      else leave.abort();
    }
  });
  // A pipe that ends has said all it wanted; the line goes on being shown until Ctrl-C.
  stdin.resume();
}
