/** What cannot be deployed is refused before anything is touched, with every reason at once. */
import t from "tap";
import { hexo } from "../../../../../controller/recipes/hexo/hexo.js";
import { hexoParameters } from "../../../../../controller/recipes/hexo/parameters.js";
import { exercise, type HexoPair, known, pairNode, planInput, problemsOf } from "../../../../support/recipe/hexo-pair.js";

const refused = (pair: HexoPair) => problemsOf(hexo.deploy(planInput(pair)));

t.test("all problems come at once", async (t) => {
  const problems = refused({
    x86: { arch: "aarch64", address: undefined },
    board: { arch: "x86_64", reach: "none", ssh: undefined, address: undefined },
    with: { mode: "post-copy", rounds: 3, iterations: "(" },
  });
  t.match(problems, [
    /^roles\.x86: x0 is aarch64; this side of the pair must be x86_64/,
    /^roles\.board: potato0 is x86_64; this side of the pair must be aarch64/,
    /^roles\.board: potato0 has no agent and no ssh/,
    /^with\.iterations: Invalid regular expression/,
    /^with\.rounds: 3 rounds are for direction ping-pong/,
    /^roles\.board: potato0 has no address/,
    /^roles\.x86: post-copy pulls pages from x0 at a numeric IPv4 address and it has none; .*set server/,
  ]);
});

t.test("post-copy needs a number for an address, of whichever side serves", async (t) => {
  const named = { x86: { address: "x0.lab" }, board: { address: "potato0.lab" } };
  const postCopy = (direction: string, more: object = {}) => refused({ ...named, with: { mode: "post-copy", direction, ...more } });
  t.match(postCopy("x86-to-arm"), [/roles\.x86.*"x0\.lab"/]);
  t.match(postCopy("arm-to-x86"), [/roles\.board.*"potato0\.lab".*set boardAddress/]);
  t.equal(postCopy("ping-pong").length, 2);
  t.same(postCopy("ping-pong", { server: "10.0.0.10", boardAddress: "10.0.0.20" }), []);
  t.same(refused(named), [], "a full checkpoint pulls nothing");
  t.match(refused({ x86: { address: "10.0.0.300" }, with: { mode: "post-copy" } }), [/"10\.0\.0\.300"/]);
  t.notOk(hexoParameters.safeParse({ server: "x0.lab" }).success, "SERVER itself must be numeric");
});

t.test("a signal to an application resumed in post-copy is refused: it is never seen ready for it", async (t) => {
  t.match(refused({ with: { mode: "post-copy", direction: "ping-pong", request: "signal" } }), [
    /^with\.request: .*never READY_FOR_MIGRATION/,
  ]);
});

t.test("a pair is two machines", async (t) => {
  const input = planInput();
  t.match(problemsOf(hexo.deploy({ ...input, roles: { x86: [], board: [] } })), [/roles\.x86: needs one node, has 0/, /roles\.board/]);
  const same = pairNode("x0");
  t.match(problemsOf(hexo.deploy({ ...input, roles: { x86: [same], board: [same] } })).at(-1), /cannot be both/);
});

t.test("the board may be reached by its own agent, or by ssh", async (t) => {
  t.same(refused({ board: { reach: "agent", ssh: undefined } }), []);
  t.same(refused({}), []);
});

t.test("who logs in to the board, where: parameters, else the inventory, else root at port 22", async (t) => {
  const login = (pair: HexoPair) => {
    const draft = hexo.deploy(planInput(pair));
    const check = "steps" in draft ? draft.steps.find(({ id }) => id === "check/x0") : undefined;
    const command = check?.evidence.find((each) => each.kind === "command" && each.argv(known)[0] === "ssh");
    return command?.kind === "command" ? command.argv(known).slice(5).join(" ") : "";
  };
  t.equal(login({}), "-p 2222 user@10.0.0.20 uname -m");
  t.equal(login({ board: { reach: "agent", ssh: undefined } }), "-p 22 root@10.0.0.20 uname -m");
  t.equal(
    login({ with: { boardUser: "pi", boardPort: 23, boardAddress: "potato", boardIdentity: "/root/.ssh/board" } }),
    "-p 23 -i /root/.ssh/board pi@potato uname -m",
  );
});

t.test("parameters have shapes: no word of them can become another argument or another machine's path", async (t) => {
  for (const wrong of [
    { app: "../other" },
    { app: "/abs" },
    { source: "relative" },
    { workdir: "/var/tmp; rm" },
    { mem: "2 GB" },
    { mode: "full" },
    { class: "BB" },
    { migtest: 0 },
    { args: ["a b"] },
    { boardUser: "-oProxyCommand=x" },
    { toolchain: { options: ["--install-path"] } },
    { unknown: 1 },
  ])
    t.notOk(hexoParameters.safeParse(wrong).success, JSON.stringify(wrong));
});

t.test("an exercise needs what was deployed, and names what was asked wrong as asked", async (t) => {
  t.match(problemsOf(exercise("run", {})), [/^deployment: nothing is deployed/]);
  t.match(problemsOf(exercise("run", { mode: "post-copy", direction: "ping-pong", request: "signal" }, { previous: known.outputs })), [
    /^request\.request: /,
  ]);
  t.match(problemsOf(exercise("migrate", { to: "arm" }, { previous: known.outputs })), [/no application was left running: .*--hold/]);
  const application = { sequence: 2, side: "arm", directory: "/d", job: "j", sinceMs: 1, mode: "checkpoint" };
  const older = { ...application, sequence: 1, side: "x86" };
  const previous = { ...known.outputs, "running/potato0": { application }, "running/x0": { application: older } };
  t.match(problemsOf(exercise("migrate", { to: "arm" }, { previous })), [/^request\.to: the application is on arm already/]);
  t.same(problemsOf(exercise("migrate", { to: "x86" }, { previous })), [], "the newest one counts");
});
