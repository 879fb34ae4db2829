/** Every file of the LegoOS tree that is edited: as upstream writes it, edited, edited again, and not as expected. */
import t from "tap";
import { compareFitConfig, compareStorageConfig, setFitConfig } from "../../../../../controller/recipes/lego/fit-config.js";
import { compareSymbols, readSymbols, setSymbols } from "../../../../../controller/recipes/lego/kconfig.js";
import { readNodeTable, renderNodeTable, setNodeTable } from "../../../../../controller/recipes/lego/node-table.js";
import { initAssignments, setInitProgram } from "../../../../../controller/recipes/lego/program.js";

function textOf(edited: { readonly text: string } | { readonly problem: string }): string {
  if ("problem" in edited) throw new Error(edited.problem);
  return edited.text;
}

const config = `#
# Networking
#
# CONFIG_LWIP is not set
CONFIG_FIT=y
CONFIG_FIT_LOCAL_ID=0
CONFIG_LOCALVERSION="-lego"
CONFIG_USE_RAMFS=y
CONFIG_FIT_LOCAL_ID_OF_OLD=7
CONFIG_FIT_LOCAL_ID=9
`;

t.test(".config: a symbol is set where it stands, once, and at the end when it does not stand anywhere", async (t) => {
  const wanted = { FIT_LOCAL_ID: "2", USE_RAMFS: "n", LWIP: "y", LOCALVERSION: '"-lego-M"', COMP_MEMORY: "y", GPM: "n" };
  const once = setSymbols(config, wanted);
  t.equal(
    once,
    `#
# Networking
#
CONFIG_LWIP=y
CONFIG_FIT=y
CONFIG_FIT_LOCAL_ID=2
CONFIG_LOCALVERSION="-lego-M"
# CONFIG_USE_RAMFS is not set
CONFIG_FIT_LOCAL_ID_OF_OLD=7
CONFIG_COMP_MEMORY=y
# CONFIG_GPM is not set
`,
  );
  t.equal(setSymbols(once, wanted), once, "the same again");
  t.same(compareSymbols(once, wanted), []);
});

t.test(".config: reading back names every symbol that is not as wanted; one that is not there is n", async (t) => {
  t.same(compareSymbols(config, { FIT_LOCAL_ID: "1", USE_RAMFS: "n", COMP_MEMORY: "y", LWIP: "n", GSM: "n", LOCALVERSION: '"-lego"' }), [
    "CONFIG_FIT_LOCAL_ID is 9, wanted 1",
    "CONFIG_USE_RAMFS is y, wanted n",
    "CONFIG_COMP_MEMORY is not there, wanted y",
  ]);
  t.equal(readSymbols("CONFIG_A=y\r\n# CONFIG_B is not set\n# a remark\n").size, 2);
});

const machineSource = `#include "fit_internal.h"

/* Built based on node id */
struct fit_machine_info *lego_cluster[CONFIG_FIT_NR_NODES];

static const char *lego_cluster_hostnames[CONFIG_FIT_NR_NODES] = {
	[0]	=	"node0",
	[1]	=	"node1",
};

static struct fit_machine_info WUKLAB_CLUSTER[] = {
	[0]	= {	.hostname =	"node0",	.lid =	42,	},
	[1]	= {	.hostname =	"node1",	.lid =	23,	},
};

static struct fit_machine_info *find_fit_machine(const char *hostname)
{
	const char *name = lego_cluster_hostnames[0];

	for (i = 0; i < ARRAY_SIZE(WUKLAB_CLUSTER); i++) {
		machine = &WUKLAB_CLUSTER[i];
	}
}
`;
const rows = [
  { id: 0, name: "p0", lid: 42 },
  { id: 1, name: "m0", lid: 23 },
  { id: 2, name: "s0", lid: 8 },
];

t.test("node table: both initialisers are replaced and nothing else, and the same table reads back", async (t) => {
  const once = textOf(setNodeTable(machineSource, rows));
  t.match(once, /lego_cluster_hostnames\[CONFIG_FIT_NR_NODES\] = \{\n\t\[0\]\t=\t"p0",\n\t\[1\]\t=\t"m0",\n\t\[2\]\t=\t"s0",\n\};/);
  t.match(once, /\[2\]\t= \{\t\.hostname =\t"s0",\t\.lid =\t8,\t\},\n\};/);
  t.notMatch(once, /node0/);
  t.equal(textOf(setNodeTable(once, rows)), once, "the same again");
  t.equal(readNodeTable(once), renderNodeTable(rows));
  const [, rest] = machineSource.split("static struct fit_machine_info *find");
  t.ok(once.endsWith(rest ?? "?"), "the functions are as they were");
});

t.test("node table: a file that differs in one LID reads back differently", async (t) => {
  const changed = textOf(setNodeTable(machineSource, rows)).replace("8,", "9,");
  t.not(readNodeTable(changed), renderNodeTable(rows));
});

t.test("node table: a file with two tables, as older copies have, or none, is refused", async (t) => {
  t.match(setNodeTable(machineSource + machineSource, rows), { problem: /found 2 times the list of names/ });
  t.match(setNodeTable("int main;", rows), { problem: /found 0 times/ });
  t.match(setNodeTable(machineSource.replace("WUKLAB_CLUSTER[] =", "OTHER[] ="), rows), { problem: /table of machines/ });
  t.equal(readNodeTable("int main;"), undefined);
});

const processorCore = `static const char *argv_init[MAX_INIT_ARGS+2];

static int procmgmt(void *unused)
{
	const char *init_filename;
	int vid __maybe_unused;

#if 0
	init_filename = "/usr/bin/python";
	argv_init[0] = init_filename;
	argv_init[1] = "--old";
#endif

#if 1
	init_filename = "/bin/old";
	argv_init[0] = init_filename;
#endif

#ifdef CONFIG_VNODE
	vid = p2pm_request_vnode();
	if (vid < 0) {
		panic("Invalid vNode ID, abort.");
	}
#endif
	__fork_processor_strace(current);

	return do_execve(init_filename,
		(const char *const *)argv_init,
		(const char *const *)envp_init);
}

void __init kick_off_user(void)
{
	argv_init[3] = "not ours";
}
`;

t.test("procmgmt(): program and arguments are assigned once, outside of any #if, right before they are used", async (t) => {
  const program = ["/bin/echo", 'say "hi" \\ ok?', "nönce"];
  const once = textOf(setInitProgram(processorCore, program));
  t.same(initAssignments(program), [
    '\tinit_filename = "/bin/echo";',
    "\targv_init[0] = init_filename;",
    '\targv_init[1] = "say \\042hi\\042 \\134 ok\\077";',
    '\targv_init[2] = "n\\303\\266nce";',
  ]);
  t.match(once, `${initAssignments(program).join("\n")}\n\treturn do_execve(init_filename,`);
  t.notMatch(once, /--old|\/bin\/old/);
  t.match(once, /argv_init\[3\] = "not ours";/, "other functions are left alone");
  t.equal(textOf(setInitProgram(once, program)), once, "the same again");
  t.equal(textOf(setInitProgram(textOf(setInitProgram(once, ["/a", "b", "c", "d"])), program)), once, "and after another program");
});

t.test("procmgmt(): a file without it, or where it starts nothing, is refused", async (t) => {
  t.match(setInitProgram("int main;", ["/a"]), { problem: /no function procmgmt/ });
  t.match(setInitProgram(processorCore.replace("do_execve", "do_other"), ["/a"]), { problem: /does not call do_execve/ });
});

const fitConfig = `/* Lego cluster config */
#define CONFIG_FIT_LOCAL_ID		2
#define CONFIG_FIT_NR_NODES		4
#define MAX_NODE			CONFIG_FIT_NR_NODES

#define CONFIG_FIT_FIRST_QPN		(80)
#define CONFIG_FIT_NR_QPS_PER_PAIR	(12)

//#define CONFIG_SOCKET_O_IB
`;
const wantedFit = { localId: 2, nrNodes: 3, firstQpn: 90, qpsPerPair: 12 };

t.test("fit_config.h: the four numbers are set, with or without brackets, and compared", async (t) => {
  t.same(compareFitConfig(fitConfig, wantedFit), ["CONFIG_FIT_NR_NODES is 4, wanted 3", "CONFIG_FIT_FIRST_QPN is 80, wanted 90"]);
  const once = textOf(setFitConfig(fitConfig, wantedFit));
  t.same(compareFitConfig(once, wantedFit), []);
  t.equal(textOf(setFitConfig(once, wantedFit)), once, "the same again");
  t.match(once, /#define MAX_NODE\t\t\tCONFIG_FIT_NR_NODES\n/, "what builds on them stays");
  t.match(setFitConfig("#define CONFIG_FIT_LOCAL_ID 2\n", wantedFit), { problem: /no "#define CONFIG_FIT_NR_NODES"/ });
});

t.test("module headers: switches that break the cluster are named", async (t) => {
  t.match(compareFitConfig(fitConfig.replace("//#", "#"), { ...wantedFit, nrNodes: 4, firstQpn: 80 }), [/CONFIG_SOCKET_O_IB is on/]);
  t.match(compareStorageConfig("  # define STORAGE_BYPASS_PAGE_CACHE\n"), [/never return/]);
  t.same(compareStorageConfig("/* #define STORAGE_BYPASS_PAGE_CACHE */\n//#define STORAGE_BYPASS_PAGE_CACHE\n"), []);
});
