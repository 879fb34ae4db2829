/** The book of join tokens: each admits one name once, before it expires. Only digests are kept, and they survive a restart. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import type { Clock } from "../../proto/base/clock.js";
import { replaceFile } from "../../proto/base/durable-file.js";
import { AuthenticationError, InternalError, InvalidArgumentError } from "../../proto/base/errors.js";
import type { Peer } from "../../proto/rpc/peer.js";
import { peerRoles } from "../../proto/rpc/peer.js";
import { formatToken } from "../../proto/rpc/token.js";
import { checkName } from "./authority.js";

const defaultTokenLifeMs = 3_600_000;
const longestTokenLifeMs = 7 * 86_400_000;

const bookForm = z.record(
  z.string(),
  z.strictObject({ secretSha256: z.string(), name: z.string(), role: z.enum(peerRoles), expiresMs: z.number() }),
);
type Book = z.infer<typeof bookForm>;

export class JoinTokens {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #book: Map<string, Book[string]>;
  #saving: Promise<void> = Promise.resolve();

  private constructor(path: string, clock: Clock, book: Book) {
    this.#path = path;
    this.#clock = clock;
    this.#book = new Map(Object.entries(book));
  }

  /** Opens the book at `path`. Throws InternalError when the file is there but not a book. */
  static async open(path: string, options: { clock: Clock }): Promise<JoinTokens> {
    return new JoinTokens(path, options.clock, await readBook(path));
  }

  /** Makes a token for `peer`. Throws InvalidArgumentError for a name no certificate can carry or a life beyond 7 days. */
  async create(peer: Peer, options: { lifeMs?: number; caSha256: string }): Promise<{ token: string; expiresMs: number }> {
    const { lifeMs = defaultTokenLifeMs } = options;
    checkName(peer.name);
    if (!(lifeMs > 0 && lifeMs <= longestTokenLifeMs)) throw new InvalidArgumentError("join token: its life is at most 7 days");
    this.#forgetExpired();
    const [id, secret] = [randomBytes(6).toString("base64url"), randomBytes(24).toString("base64url")];
    const expiresMs = this.#clock.now() + lifeMs;
    this.#book.set(id, { secretSha256: digest(secret).toString("hex"), name: peer.name, role: peer.role, expiresMs });
    await this.#save();
    return { token: formatToken({ id, secret, caSha256: options.caSha256 }), expiresMs };
  }

  /**
   * Spends a token, given as "ID.SECRET", and says whom it admits. Of two that come at once one succeeds. Throws
   * AuthenticationError, the same for a token that never was, is spent, or has expired: a guesser learns nothing.
   */
  async spend(presented: string): Promise<Peer> {
    const [id = "", secret = ""] = presented.split(".");
    const entry = this.#book.get(id);
    if (entry === undefined || this.#clock.now() >= entry.expiresMs || !matches(entry.secretSha256, secret)) {
      throw new AuthenticationError("join token: unknown, spent or expired; ask an operator for a new one");
    }
    this.#book.delete(id);
    try {
      await this.#save();
    } catch (error) {
      this.#book.set(id, entry);
      throw error;
    }
    return { name: entry.name, role: entry.role };
  }

  #forgetExpired(): void {
    for (const [id, entry] of this.#book) if (this.#clock.now() >= entry.expiresMs) this.#book.delete(id);
  }

  /** One write at a time, each of the book as it is then: an older state never overtakes a newer one. */
  #save(): Promise<void> {
    const write = () => replaceFile(this.#path, `${JSON.stringify(Object.fromEntries(this.#book), undefined, 1)}\n`);
    const saved = this.#saving.then(write);
    this.#saving = saved.catch(() => {});
    return saved;
  }
}

function digest(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}

function matches(secretSha256: string, secret: string): boolean {
  const expected = Buffer.from(secretSha256, "hex");
  const actual = digest(secret);
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

async function readBook(path: string): Promise<Book> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw error;
  }
  try {
    return bookForm.parse(JSON.parse(text));
  } catch (cause) {
    throw new InternalError(`join tokens ${path}: not readable as a book of tokens; move the file away, open tokens are then void`, {
      cause,
    });
  }
}
