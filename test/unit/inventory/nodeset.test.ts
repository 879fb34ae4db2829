import { join } from "node:path";
import t from "tap";
import { loadLab } from "../../../inventory/load.js";
import { expandName, foldNames } from "../../../inventory/nodeset.js";
import { selectNodes } from "../../../inventory/select.js";

const lab = loadLab(join(import.meta.dirname, "../../../../inventory/examples/rack1.yaml"));
const select = (nodeset: string) =>
  selectNodes(lab, nodeset)
    .map((node) => node.name)
    .join(" ");

t.test("a folded name expands", async (t) => {
  t.same(expandName("p[0-3]"), ["p0", "p1", "p2", "p3"]);
  t.same(expandName("n[008-010,20]x"), ["n008x", "n009x", "n010x", "n20x"]);
  t.same(expandName("n[0-8/4]"), ["n0", "n4", "n8"]);
  t.same(expandName("r[1-2]n[3-4]"), ["r1n3", "r1n4", "r2n3", "r2n4"]);
  for (const wrong of ["p[3-0]", "p[a]", "p[0-9/0]", "p[0-99999999]", "p[]"])
    t.throws(() => expandName(wrong), { code: "invalid-argument" }, wrong);
});

t.test("a slip that would stand for no end of names is refused at once", async (t) => {
  const slips = [
    "p[0-", // taken for [0-…] it would be expanded for ever
    "p[99999999999999999998-99999999999999999999]", // numbers a double cannot count through
    `p[${"0-99999,".repeat(50)}0]`,
    "p[0-999]q[0-999]",
    `p${"[1]".repeat(20_000)}`,
  ];
  for (const slip of slips) t.throws(() => expandName(slip), { code: "invalid-argument" }, slip.slice(0, 40));
  t.throws(() => select("p".repeat(200_000)), { code: "invalid-argument" });
  const began = performance.now();
  t.throws(() => select(`${"*".repeat(40)}x`), { code: "invalid-argument" });
  t.ok(performance.now() - began < 1000, "stars in a row are one star");
});

t.test("names fold back the way a person writes them", async (t) => {
  t.equal(foldNames(["p0", "p1", "p2", "m0"]), "p[0-2],m0");
  t.equal(foldNames(["n001", "n002", "n010"]), "n[001-002,010]");
  t.equal(foldNames(["p3", "p1"]), "p[1,3]");
  t.equal(foldNames(["board", "p0"]), "board,p0");
  t.same(expandName(foldNames(["a7b", "a8b"])), ["a7b", "a8b"]);
});

t.test("nodesets unite, take away and intersect, left to right", async (t) => {
  t.equal(select("s0,p0"), "p0 s0");
  t.equal(select("@lego,!m0"), "p0 s0");
  t.equal(select("@lego!m0"), "p0 s0");
  t.equal(select("@hexo&@board"), "potato0");
  t.equal(select("!@lego"), "x0 potato0");
  t.equal(select("@all"), "p0 m0 s0 x0 potato0");
  t.equal(select("p*"), "p0 potato0");
  t.equal(select("lego-1p1m1s"), "p0 m0 s0");
});

t.test("a name that means nothing is met with the nearest one", async (t) => {
  t.throws(() => select("potatoe0"), { code: "invalid-argument", message: /did you mean "potato0"/ });
  t.throws(() => select("@leg"), { message: /no node has the tag "leg"; did you mean "lego"/ });
  t.throws(() => select("p[0-2]"), { message: /"p1" is neither a node nor a deployment of rack1/ });
  t.throws(() => select("p[0"), { message: /character 4: \[ without \]/ });
  t.throws(() => select(""), { message: /nodeset is empty/ });
});
