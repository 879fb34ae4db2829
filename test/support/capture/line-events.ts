/** A console line's events for a test that takes them one by one. Breaking off leaves the line open. */
import type { ConsoleLine, LineEvent } from "../../../agent/ports/console.js";
import { BoundedQueue } from "../../../proto/base/queue.js";

export function lineEvents(line: ConsoleLine): AsyncIterable<LineEvent> {
  const queue = new BoundedQueue<LineEvent>(Number.POSITIVE_INFINITY);
  void line
    .read((event) => void queue.offer(event))
    .then(
      () => queue.close(),
      (error: unknown) => queue.fail(error),
    );
  return queue;
}
