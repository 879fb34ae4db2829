import t from "tap";
import { lego } from "../../../../../controller/recipes/lego/lego.js";
import { parseMemmap } from "../../../../../controller/recipes/lego/memmap.js";
import { legoParameters } from "../../../../../controller/recipes/lego/parameters.js";
import { type LegoLab, planInput, plannedNode, problemsOf } from "../../../../support/recipe/lego-lab.js";

t.test("a sound deployment has no problems", async (t) => {
  t.same(problemsOf({}), []);
  t.same(problemsOf({ roles: { storage: [] } }), []);
  t.same(problemsOf({ roles: { storage: [] }, with: { program: ["usr/general.o"] } }), []);
  const quiet = plannedNode("s0", { hasPower: false, console: undefined });
  t.same(problemsOf({ roles: { storage: [quiet] } }), [], "storage needs neither power control nor console");
});

t.test("every mistake is named where it was made", async (t) => {
  const table: [string, LegoLab, RegExp][] = [
    [
      "two memory nodes",
      { roles: { memory: [plannedNode("m0"), plannedNode("m1")] } },
      /^roles\.memory: 2 nodes: .*monitors.*Bind one node$/,
    ],
    ["two processors", { roles: { processor: [plannedNode("p0"), plannedNode("p1")] } }, /^roles\.processor: 2 nodes/],
    ["no processor", { roles: { processor: [] } }, /^roles\.processor: needs one node/],
    ["two storage nodes", { roles: { storage: [plannedNode("s0"), plannedNode("s1")] } }, /^roles\.storage: 2 nodes: at most one/],
    ["a monitor", { roles: { monitor: [plannedNode("g0")] } }, /^roles\.monitor: .*leave the role out/],
    ["a node used twice", { roles: { memory: [plannedNode("p0")] } }, /^roles\.memory: p0 is processor already/],
    ["another architecture", { roles: { storage: [plannedNode("s0", { arch: "aarch64" })] } }, /^roles\.storage: s0 is aarch64/],
    ["a name C cannot hold", { roles: { memory: [plannedNode('m"0')] } }, /^roles\.memory: m"0 cannot stand in LegoOS's node table/],
    ["no power control", { roles: { processor: [plannedNode("p0", { hasPower: false })] } }, /^roles\.processor: p0 has no power control/],
    ["no console", { roles: { memory: [plannedNode("m0", { console: undefined })] } }, /^roles\.memory: m0 has no console/],
    [
      "a third serial line",
      { roles: { memory: [plannedNode("m0", { console: { line: "ttyS2", baudRate: 9600 } })] } },
      /ttyS2; LegoOS prints on/,
    ],
    [
      "an odd rate",
      { roles: { memory: [plannedNode("m0", { console: { line: "ttyS0", baudRate: 57600 } })] } },
      /57600 baud; LegoOS prints at/,
    ],
    ["a range that is none", { with: { memmap: "2G\\$4G" } }, /^with\.memmap: "2G\\\$4G" is not SIZE\$START/],
    ["a relative program", { with: { program: ["python"] } }, /^with\.program: "python" must be the program's absolute path/],
    ["an empty program", { with: { program: [] } }, /^with\.program: "" must be/],
    ["bash", { with: { program: ["/bin/bash", "x"] } }, /^with\.program: LegoOS cannot run bash/],
    ["too many arguments", { with: { program: Array.from({ length: 33 }, () => "/a") } }, /^with\.program: 33 arguments/],
    [
      "arguments to a linked program",
      { roles: { storage: [] }, with: { program: ["usr/a.o", "x"] } },
      /^with\.program: without a storage node/,
    ],
    [
      "a path on a storage node that is not there",
      { roles: { storage: [] }, with: { program: ["/bin/echo"] } },
      /^with\.program: without a storage node/,
    ],
    ["an object outside the tree", { roles: { storage: [] }, with: { program: ["../x.o"] } }, /^with\.program: without a storage node/],
    ["files without storage", { roles: { storage: [] }, with: { files: ["/a"] } }, /^with\.files: there is no storage node/],
  ];
  for (const [what, lab, problem] of table) t.match(problemsOf(lab), [problem], what);
});

t.test("all mistakes come at once", async (t) => {
  const lab = {
    roles: { processor: [plannedNode("p0", { hasPower: false, console: undefined })], monitor: [plannedNode("g0")] },
    with: { memmap: "x" },
  };
  t.equal(problemsOf(lab).length, 4);
});

t.test("memmap: size and start are checked against what a PC can give", async (t) => {
  t.same(parseMemmap("2G$4G"), { sizeBytes: 2 * 2 ** 30, startBytes: 4 * 2 ** 30 });
  t.same(parseMemmap("512M$1G"), { sizeBytes: 2 ** 29, startBytes: 2 ** 30 });
  t.same(parseMemmap("65536K$2048M"), { sizeBytes: 2 ** 26, startBytes: 2 ** 31 });
  const table: [string, RegExp][] = [
    ["2G@4G", /not SIZE\$START/],
    ["2$4", /not SIZE\$START/],
    ["32M$4G", /less than 64M/],
    ["65537K$4G", /multiples of 2M/],
    ["1G$4194305K", /multiples of 2M/],
    ["1G$32M", /below 64M/],
    ["2G$2G", /3G…4G/],
    ["256M$3584M", /3G…4G/],
  ];
  for (const [text, problem] of table) t.match(parseMemmap(text), { problem }, text);
});

t.test("with: is completed by defaults, and unknown keys are refused", async (t) => {
  t.match(legoParameters.parse({}), { source: "/root/LegoOS", memmap: "2G$4G", fitInitialSleepS: 10, storageKernel: "3.11.1" });
  t.equal(legoParameters.safeParse({ memap: "2G$4G" }).success, false);
  t.equal(legoParameters.safeParse({ source: "LegoOS" }).success, false);
  t.equal(legoParameters.safeParse({ fitFirstQpn: 79 }).success, false);
});

t.test("the way back asks for no more than power control, whatever is wrong with the parameters", async (t) => {
  t.notMatch(lego.undeploy(planInput({ with: { memmap: "x", program: [] } })), { problems: [] });
  t.match(lego.undeploy(planInput({ roles: { memory: [plannedNode("m0", { hasPower: false })] } })), {
    problems: [{ at: "roles.memory", problem: /m0 has no power control/ }],
  });
});
