/** One stay of a writer at a console: what was granted, what the line accepted, who took it away. */
import { InvalidArgumentError } from "../../proto/base/errors.js";
import { BoundedQueue } from "../../proto/base/queue.js";
import type { AttachEvent, AttachRequest } from "../../proto/gen/lab/v1/console.js";
import type { Writer } from "../capture/capture.js";

/** Acknowledgements a slow caller may leave unread before its bytes are no longer taken. */
const unreadAnswers = 16;

/** Passes requests to the line until the caller ends them, the right is taken away, or `signal` aborts. Gives the right back. */
export async function* attach(
  writer: Writer,
  requests: AsyncIterator<AttachRequest>,
  signal: AbortSignal,
): AsyncGenerator<AttachEvent, void, undefined> {
  const answers = new BoundedQueue<AttachEvent>(unreadAnswers);
  let thief: string | undefined;
  const watch = async () => {
    thief = await writer.right.lost;
    answers.close();
  };
  const pass = async () => {
    for (let next = await requests.next(); !next.done; next = await requests.next()) {
      const acceptedBytes = await send(writer, next.value, signal);
      await answers.push({ event: { $case: "acceptedBytes", value: BigInt(acceptedBytes) } });
    }
    answers.close();
  };
  void watch();
  pass().catch((error: unknown) => answers.fail(error));
  try {
    yield { event: { $case: "granted", value: writer.right.displaced } };
    yield* answers;
    if (thief !== undefined) yield { event: { $case: "displaced", value: thief } };
  } finally {
    answers.close();
    writer.right.release();
  }
}

/** Returns how many bytes the line accepted; a BREAK is none. */
async function send(writer: Writer, { request }: AttachRequest, signal: AbortSignal): Promise<number> {
  switch (request?.$case) {
    case "data":
      await writer.write(request.value, { signal });
      return request.value.length;
    case "breakMs":
      await writer.sendBreak(request.value);
      return 0;
    case "open":
      throw new InvalidArgumentError("attach: `open` may be sent once");
    case undefined:
      throw new InvalidArgumentError("attach: a message without a request");
  }
}
