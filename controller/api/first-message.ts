/** Request streams whose first message says what they are about. */

/** Takes the first message; `withFirst` gives the whole stream again, once, with another message in its place. */
export async function takeFirst<T>(
  requests: AsyncIterable<T>,
): Promise<{ first: T | undefined; withFirst: (replacement: T) => AsyncIterable<T> }> {
  const iterator = requests[Symbol.asyncIterator]();
  const opening = await iterator.next();
  async function* withFirst(replacement: T): AsyncGenerator<T, void, undefined> {
    yield replacement;
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
  }
  return { first: opening.done === true ? undefined : opening.value, withFirst };
}
