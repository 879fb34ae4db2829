import { readFile, stat, writeFile } from "node:fs/promises";
import t from "tap";
import { JoinTokens } from "../../../../controller/identity/join-tokens.js";
import { parseToken, presentedToken } from "../../../../proto/rpc/token.js";
import { FakeClock } from "../../../support/fake-clock.js";

const caSha256 = "a".repeat(64);
const p0 = { name: "p0", role: "agent" } as const;
const hour = 3_600_000;

t.test("a token is spent once and says whom it admits", async (t) => {
  const tokens = await JoinTokens.open(`${t.testdir()}/tokens.json`, { clock: new FakeClock() });
  const { token } = await tokens.create(p0, { caSha256 });
  t.equal(parseToken(token).caSha256, caSha256);
  const presented = presentedToken(parseToken(token));
  t.same(await tokens.spend(presented), p0);
  await t.rejects(tokens.spend(presented), { name: "AuthenticationError" });
});

t.test("a token lives an hour unless told otherwise, and not a moment longer", async (t) => {
  const clock = new FakeClock();
  const tokens = await JoinTokens.open(`${t.testdir()}/tokens.json`, { clock });
  const [first, second] = [await tokens.create(p0, { caSha256 }), await tokens.create(p0, { caSha256 })];
  t.equal(first.expiresMs, clock.now() + hour);
  await clock.advance(hour - 1);
  t.same(await tokens.spend(presentedToken(parseToken(first.token))), p0);
  await clock.advance(1);
  await t.rejects(tokens.spend(presentedToken(parseToken(second.token))), { message: /expired/ });
});

t.test("an open token survives a restart, a spent one stays spent", async (t) => {
  const path = `${t.testdir()}/tokens.json`;
  const clock = new FakeClock();
  const before = await JoinTokens.open(path, { clock });
  const [open, spent] = [await before.create(p0, { caSha256 }), await before.create(p0, { caSha256 })];
  await before.spend(presentedToken(parseToken(spent.token)));
  const after = await JoinTokens.open(path, { clock });
  await t.rejects(after.spend(presentedToken(parseToken(spent.token))), { name: "AuthenticationError" });
  t.same(await after.spend(presentedToken(parseToken(open.token))), p0);
});

t.test("many spent at once are all spent on the disk", async (t) => {
  const path = `${t.testdir()}/tokens.json`;
  const clock = new FakeClock();
  const tokens = await JoinTokens.open(path, { clock });
  const made = await Promise.all(Array.from({ length: 20 }, () => tokens.create(p0, { caSha256 })));
  await Promise.all(made.map(({ token }) => tokens.spend(presentedToken(parseToken(token)))));
  t.same(JSON.parse(await readFile(path, "utf8")), {});
});

t.test("the book holds no secret and only its owner reads it", async (t) => {
  const path = `${t.testdir()}/tokens.json`;
  const tokens = await JoinTokens.open(path, { clock: new FakeClock() });
  const { token } = await tokens.create(p0, { caSha256 });
  t.notMatch(await readFile(path, "utf8"), parseToken(token).secret);
  t.equal((await stat(path)).mode & 0o777, 0o600);
});

t.test("a wrong secret with a right id is refused and does not cost the token", async (t) => {
  const tokens = await JoinTokens.open(`${t.testdir()}/tokens.json`, { clock: new FakeClock() });
  const { id, secret } = parseToken((await tokens.create(p0, { caSha256 })).token);
  await t.rejects(tokens.spend(`${id}.${"x".repeat(secret.length)}`), { name: "AuthenticationError" });
  await t.rejects(tokens.spend(""), { name: "AuthenticationError" });
  t.same(await tokens.spend(`${id}.${secret}`), p0);
});

t.test("a name no certificate can carry and a life beyond a week are refused when the token is made", async (t) => {
  const tokens = await JoinTokens.open(`${t.testdir()}/tokens.json`, { clock: new FakeClock() });
  for (const name of ["", "-p0", "p 0", "p0\nO=operator", "ä", "x".repeat(64)]) {
    await t.rejects(tokens.create({ name, role: "agent" }, { caSha256 }), { name: "InvalidArgumentError" }, JSON.stringify(name));
  }
  for (const lifeMs of [0, -1, 8 * 24 * hour]) await t.rejects(tokens.create(p0, { caSha256, lifeMs }), { name: "InvalidArgumentError" });
});

t.test("a book that is not one is told by its path", async (t) => {
  const path = `${t.testdir()}/tokens.json`;
  await writeFile(path, "{ torn");
  await t.rejects(JoinTokens.open(path, { clock: new FakeClock() }), { message: /tokens\.json: not readable/ });
});
