import t from "tap";
import { formatConfig, parseConfig, resolveConfig } from "../../../../../agent/sim/lego/kconfig.js";
import { interview } from "../../../../../agent/sim/lego/kconfig-questions.js";

const resolve = (...lines: readonly string[]) => resolveConfig(parseConfig(lines.join("\n")).assignments);
const processor = ["CONFIG_COMP_PROCESSOR=y", "CONFIG_DEFAULT_MEM_NODE=1", "CONFIG_DEFAULT_STORAGE_NODE=1"];

const table: readonly { says: string; lines: readonly string[]; symbol: string; value: string | undefined }[] = [
  { says: "an unset symbol gets its default", lines: [], symbol: "FIT_FIRST_QPN", value: "80" },
  { says: "serial is ttyS1 unless told otherwise", lines: [], symbol: "TTY_SERIAL_TTYS1", value: "y" },
  { says: "FIT_LOCAL_ID is 0 on every node", lines: [], symbol: "FIT_LOCAL_ID", value: "0" },
  { says: "an unknown symbol is dropped", lines: ["CONFIG_NO_SUCH_THING=y"], symbol: "NO_SUCH_THING", value: undefined },
  { says: "a symbol without prompt keeps its default", lines: ["CONFIG_INIT_ENV_ARG_LIMIT=64"], symbol: "INIT_ENV_ARG_LIMIT", value: "32" },
  {
    says: "a symbol whose condition is unmet is dropped",
    lines: ["CONFIG_DEFAULT_MEM_NODE=1"],
    symbol: "DEFAULT_MEM_NODE",
    value: undefined,
  },
  { says: "DEBUG_EXIT needs DEBUG_KERNEL", lines: ["CONFIG_DEBUG_EXIT=y"], symbol: "DEBUG_EXIT", value: undefined },
  {
    says: "all of FIT goes with INFINIBAND",
    lines: ["# CONFIG_INFINIBAND is not set", "CONFIG_FIT_NR_NODES=3"],
    symbol: "FIT_NR_NODES",
    value: undefined,
  },
  { says: "RAMFS is on by default", lines: processor, symbol: "USE_RAMFS", value: "y" },
  { says: "RAMFS stays off when switched off", lines: [...processor, "# CONFIG_USE_RAMFS is not set"], symbol: "USE_RAMFS", value: "n" },
  {
    says: "a processor has no RAMFS object",
    lines: [...processor, 'CONFIG_RAMFS_OBJECT_FILE="x"'],
    symbol: "RAMFS_OBJECT_FILE",
    value: undefined,
  },
  { says: "a number below its range falls back to the default", lines: ["CONFIG_FIT_FIRST_QPN=72"], symbol: "FIT_FIRST_QPN", value: "80" },
  {
    says: "a number above its range falls back to the default",
    lines: ["CONFIG_FIT_NR_QPS_PER_PAIR=25"],
    symbol: "FIT_NR_QPS_PER_PAIR",
    value: "12",
  },
  {
    says: "a number at the end of its range is taken",
    lines: ["CONFIG_FIT_NR_QPS_PER_PAIR=24"],
    symbol: "FIT_NR_QPS_PER_PAIR",
    value: "24",
  },
  { says: "a number in quotes is no number", lines: ['CONFIG_FIT_NR_NODES="3"'], symbol: "FIT_NR_NODES", value: "2" },
  { says: "a string without quotes is no string", lines: ["CONFIG_LOCALVERSION=-lego-P"], symbol: "LOCALVERSION", value: "-lego" },
  { says: "the last assignment wins", lines: ["CONFIG_FIT_NR_NODES=3", "CONFIG_FIT_NR_NODES=4"], symbol: "FIT_NR_NODES", value: "4" },
  { says: "choosing one port unchooses the other", lines: ["CONFIG_TTY_SERIAL_TTYS0=y"], symbol: "TTY_SERIAL_TTYS1", value: "n" },
  {
    says: "of two chosen ports the last wins",
    lines: ["CONFIG_TTY_SERIAL_TTYS1=y", "CONFIG_TTY_SERIAL_TTYS0=y"],
    symbol: "TTY_SERIAL_TTYS0",
    value: "y",
  },
  { says: "a choice cannot be left empty", lines: ["# CONFIG_TTY_SERIAL_TTYS1 is not set"], symbol: "TTY_SERIAL_TTYS1", value: "y" },
  { says: "outstanding sends default to 24 once there is a component", lines: processor, symbol: "FIT_MAX_OUTSTANDING_SEND", value: "24" },
  { says: "the memory node has no default", lines: ["CONFIG_COMP_MEMORY=y"], symbol: "DEFAULT_MEM_NODE", value: "" },
  { says: "both components can be set", lines: [...processor, "CONFIG_COMP_MEMORY=y"], symbol: "COMP_MEMORY", value: "y" },
  {
    says: "the watchdog is slower on a processor",
    lines: [...processor, "CONFIG_DEBUG_KERNEL=y", "CONFIG_SOFT_WATCHDOG=y"],
    symbol: "SOFT_WATCHDOG_INTERVAL_SEC",
    value: "10",
  },
];

for (const { says, lines, symbol, value } of table) {
  t.test(says, (t) => {
    t.equal(resolve(...lines).values.get(symbol), value);
    t.end();
  });
}

t.test("a written configuration reads back the same", (t) => {
  const config = resolve(...processor, "CONFIG_CMDLINE_BOOL=y", 'CONFIG_CMDLINE="memmap=2G$4G \\"x\\""');
  t.equal(config.values.get("CMDLINE"), 'memmap=2G$4G "x"');
  t.same(resolveConfig(parseConfig(formatConfig(config)).assignments).values, config.values);
  t.end();
});

t.test("what cannot be read is told with its line", (t) => {
  t.same(parseConfig("CONFIG_FIT=y\nFIT=y\nCONFIG_DEFAULT_MEM_NODE=\nCONFIG_FIT=y\n").warnings, [
    ".config:2:warning: unexpected data",
    ".config:3:warning: symbol value '' invalid for DEFAULT_MEM_NODE",
    ".config:4:warning: override: reassigning to symbol FIT",
  ]);
  t.end();
});

t.test("a processor manager is asked thirteen questions, a memory manager ten", (t) => {
  const defconfig = parseConfig(formatConfig(resolve("CONFIG_FIT_MAX_OUTSTANDING_SEND=1"))).assignments;
  const asked = (component: string) => {
    const without = new Map(defconfig);
    without.delete(component);
    const before = resolveConfig(without).questions.length;
    return before + resolveConfig(new Map([...without, [component, "y"]])).questions.length;
  };
  t.equal(asked("COMP_PROCESSOR"), 13);
  t.equal(asked("COMP_MEMORY"), 10);
  t.end();
});

t.test("empty answers take defaults, and never get past the memory node", (t) => {
  const assignments = parseConfig("CONFIG_COMP_PROCESSOR=y").assignments;
  const result = interview(
    assignments,
    Array.from({ length: 200 }, () => ""),
  );
  t.equal(result.outcome, "input-ended");
  t.match(result.transcript, /\(DEFAULT_MEM_NODE\) \[\] \(NEW\) \n.*\(DEFAULT_MEM_NODE\)/);
  t.end();
});

t.test("answers given are taken", (t) => {
  const open = parseConfig(formatConfig(resolve("CONFIG_COMP_PROCESSOR=y"))).assignments;
  const result = interview(open, ["x", "1", "99", "2"]);
  t.equal(result.outcome, "answered");
  if (result.outcome === "answered") {
    t.equal(result.config.values.get("DEFAULT_MEM_NODE"), "1");
    t.equal(result.config.values.get("DEFAULT_STORAGE_NODE"), "99");
  }
  t.end();
});
