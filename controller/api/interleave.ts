/** Two streams as one: everything of `main`, and in between what `aside` has to say. */
import { anySignal } from "../../proto/base/abort.js";
import { BoundedQueue } from "../../proto/base/queue.js";

type Source<T> = (options: { signal: AbortSignal }) => AsyncIterable<T>;

/** Ends with `main`, and fails with whichever fails. Neither runs ahead of the reader by more than an item. */
export async function* interleave<T>(
  main: Source<T>,
  aside: Source<T>,
  options: { signal: AbortSignal },
): AsyncGenerator<T, void, undefined> {
  const left = new AbortController();
  const { signal, release } = anySignal(options.signal, left.signal);
  const queue = new BoundedQueue<T>(1);
  const pass = async (source: Source<T>) => {
    for await (const item of source({ signal })) await queue.push(item);
  };
  pass(main).then(
    () => queue.close(),
    (error: unknown) => queue.fail(error),
  );
  pass(aside).catch((error: unknown) => queue.fail(error));
  try {
    yield* queue;
  } finally {
    left.abort();
    queue.close();
    release();
  }
}
