/** What is wrong with a BMC by what it told. */
import t from "tap";
import { problemsOf } from "../../../../agent/drivers/bmc-problems.js";

type Findings = Parameters<typeof problemsOf>[0];

const nowMs = Date.UTC(2026, 10, 21);
const suite = (id: number, works: boolean) => ({ id, works, advertised: true, detail: "" });
const discovery: NonNullable<Findings["discovery"]> = {
  label: "bmc 10.0.1.10",
  capabilities: undefined,
  advertised: [17, 3],
  suites: [suite(17, true), suite(3, true)],
  learned: [],
};
const answers: Findings["answers"] = {
  identity: { manufacturer: "", product: "0001", firmware: "2.41", ipmiVersion: "2.0", updating: false },
  guid: "",
  roundTripMs: 1,
  users: [{ id: 2, name: "labd", privilege: "operator", enabled: true }],
  sol: { enabled: true, baudRate: 115200, nonvolatileBaudRate: 115200, privilege: "operator", forceEncryption: true, port: 623 },
  clockMs: nowMs,
  sessions: { active: 1, possible: 4 },
};
const options = { address: "10.0.1.10", user: "labd", password: "secret" };
const of = (change: { answers?: object; discovery?: object; options?: object }) =>
  problemsOf({
    nowMs,
    answers: { ...answers, ...change.answers },
    discovery: { ...discovery, ...change.discovery },
    options: { ...options, ...change.options },
  });

t.test("a BMC in order has none, and one that told nothing has none of its own", async (t) => {
  t.same(of({}), []);
  const nothing = {
    identity: undefined,
    guid: undefined,
    roundTripMs: undefined,
    users: undefined,
    sol: undefined,
    clockMs: undefined,
    sessions: undefined,
  };
  t.same(problemsOf({ nowMs, answers: nothing, discovery: undefined, options }), []);
});

t.test("suites: none of ours, weak ones only, and the one without a password", async (t) => {
  t.match(of({ discovery: { suites: [suite(17, false), suite(3, true)] } }), [/suite 3 only: SHA-1 or MD5/]);
  t.match(of({ discovery: { suites: [suite(17, false), suite(12, true), suite(8, true)] } }), [
    /none of the suites it is tried with works \(17, 3\); give it cipher_suites: \[12, 8\]/,
    /suites 12 and 8 only/,
  ]);
  t.match(of({ options: { cipherSuites: [3] }, discovery: { suites: [suite(3, false), suite(17, true)] } }), [
    /\(3\); give it cipher_suites: \[17\]/,
  ]);
  t.same(of({ discovery: { suites: [suite(17, false), suite(3, false)] } }), [], "why nobody gets in is told elsewhere");
  t.match(of({ discovery: { advertised: [0, 3, 17] } }), [/cipher suite 0.*forbid it/]);
});

t.test("users: ours shut out, and one without a name let in", async (t) => {
  const users = [
    { id: 1, name: "", privilege: "user", enabled: true },
    { id: 2, name: "labd", privilege: "operator", enabled: false },
    { id: 3, name: "other", privilege: "operator", enabled: false },
  ];
  t.match(of({ answers: { users } }), [
    /user 1 has no name.*ipmitool user disable 1/,
    /user labd is disabled for LAN.*setaccess 1 2 ipmi=on/,
  ]);
});

t.test("SOL: off, and another speed after a restart", async (t) => {
  const sol = (change: object) => of({ answers: { sol: { ...answers.sol, ...change } } });
  t.match(sol({ enabled: false }), [/ipmitool sol set enabled true 1/]);
  t.match(sol({ nonvolatileBaudRate: 19200 }), [/at 115200 now and at 19200 after.*volatile-bit-rate 19.2 1/]);
  t.match(sol({ baudRate: 0, nonvolatileBaudRate: 57600 }), [/at the serial line's rate now and at 57600/]);
  t.same(sol({ nonvolatileBaudRate: 0 }), [], "as the line is set");
});

t.test("clock, sessions and firmware", async (t) => {
  const day = 86_400_000;
  t.match(of({ answers: { clockMs: 0 } }), [/clock is not set.*ipmitool sel time set now/]);
  t.match(of({ answers: { clockMs: nowMs - 400 * day } }), [/400 days slow/]);
  t.match(of({ answers: { clockMs: nowMs + 3 * day } }), [/3 days fast/]);
  t.same(of({ answers: { clockMs: nowMs - 14 * 3_600_000 } }), [], "its own time zone");
  t.match(of({ answers: { sessions: { active: 4, possible: 4 } } }), [/all its 4 sessions are in use/]);
  t.same(of({ answers: { sessions: { active: 0, possible: 0 } } }), [], "not told");
  t.match(of({ answers: { identity: { ...answers.identity, updating: true } } }), [/firmware is being written/]);
});
