/**
 * The kernel sources of the stand-in tree that a deployment edits. Ours, in the shape of the upstream files (LegoOS master of
 * 2020-10-23): same paths, names and traps, so that an edit made by text must come out as C that compiles.
 */

export const kernelNodeTable = `/*
 * Stand-in for LegoOS's FIT node table: who is in the cluster, and at which LID.
 */

#include <lego/init.h>
#include <lego/kernel.h>
#include <lego/string.h>
#include <rdma/ib_verbs.h>

#include <uapi/fit.h>

#include "fit_internal.h"

/* Built based on node id */
struct fit_machine_info *lego_cluster[CONFIG_FIT_NR_NODES];

/*
 * Names of the machines of this cluster, by FIT node ID.
 * Each must be in the table below; a wrong list ends in an early panic.
 */
static const char *lego_cluster_hostnames[CONFIG_FIT_NR_NODES] = {
	[0]	=	"node0",
	[1]	=	"node1",
};

static struct fit_machine_info WUKLAB_CLUSTER[] = {
	[0]	= {	.hostname =	"node0",	.lid =	42,	},
	[1]	= {	.hostname =	"node1",	.lid =	23,	},
	[2]	= {	.hostname =	"node2",	.lid =	8,	},
	[3]	= {	.hostname =	"node3",	.lid =	9,	},
};

/* Indicate machines that are used by lego */
static DECLARE_BITMAP(cluster_used_machines, 32);

unsigned int global_lid[CONFIG_FIT_NR_NODES];

unsigned int get_node_global_lid(unsigned int nid)
{
	BUG_ON(nid >= CONFIG_FIT_NR_NODES);
	return global_lid[nid];
}

static struct fit_machine_info *find_fit_machine(const char *hostname)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(WUKLAB_CLUSTER); i++) {
		struct fit_machine_info *machine = &WUKLAB_CLUSTER[i];

		if (!strncmp(hostname, machine->hostname, FIT_HOSTNAME_MAX))
			return machine;
	}
	return NULL;
}

void init_global_lid_qpn(void)
{
	bool bug = false;
	int nid;

	BUILD_BUG_ON(CONFIG_FIT_LOCAL_ID >= CONFIG_FIT_NR_NODES);

	for (nid = 0; nid < CONFIG_FIT_NR_NODES; nid++) {
		const char *hostname = lego_cluster_hostnames[nid];

		if (!hostname) {
			pr_info("    Empty hostname on node %d\\n", nid);
			bug = true;
			continue;
		}
		if (!find_fit_machine(hostname)) {
			pr_info("    Wrong hostname %s on node %d\\n", hostname, nid);
			bug = true;
		}
	}
	if (bug)
		panic("Please check your network config!");
}
`;

export const processorCore = `/*
 * Stand-in for LegoOS's processor manager: start-up and the first user process.
 */

#define pr_fmt(fmt) "Processor: " fmt

#include <lego/slab.h>
#include <lego/kernel.h>
#include <lego/kthread.h>
#include <lego/syscalls.h>
#include <processor/processor.h>
#include <processor/pcache.h>

#include "processor.h"

#define MAX_INIT_ARGS	CONFIG_INIT_ENV_ARG_LIMIT
#define MAX_INIT_ENVS	CONFIG_INIT_ENV_ARG_LIMIT

static const char *argv_init[MAX_INIT_ARGS+2];
const char *envp_init[MAX_INIT_ENVS+2] =
{
	"HOME=/",
	"TERM=linux",
	"USER=root",
	"PWD=/",
	NULL,
};

static int procmgmt(void *unused)
{
	const char *init_filename;

	/*
	 * With a storage node, these are paths on it.
	 * With CONFIG_USE_RAMFS they do not matter.
	 */
#if 0
	init_filename = "/usr/bin/python";
	argv_init[0] = init_filename;
	argv_init[1] = "/root/models/imagenet_main.py";
	argv_init[2] = "--data_dir";
	argv_init[3] = "/mnt/ssd/imagenet/";
#endif

#if 1
	init_filename = "/usr/bin/python";
	argv_init[0] = init_filename;
	argv_init[1] = "/root/models/cifar10_main.py";
#endif

	return do_execve(init_filename,
		(const char *const *)argv_init,
		(const char *const *)envp_init);
}

static void run_global_thread(void)
{
	pid_t pid;

	pid = kernel_thread(procmgmt, NULL, CLONE_GLOBAL_THREAD);
	if (pid < 0)
		panic("Fail to run the initial user process.");
}

void __init processor_manager_init(void)
{
	pcache_post_init();
	run_global_thread();
}
`;

/** Checks of node ids that both kinds of manager compile. */
export const managerCore = `/*
 * Stand-in for what LegoOS's managers share.
 */

#include <lego/kernel.h>
#include <lego/fit_ibapi.h>
#include <lego/comp_common.h>

#ifdef CONFIG_USE_RAMFS
#if (CONFIG_FIT_NR_NODES > 2)
#  warning You configured more than two nodes and RAMFS option.
#endif
#endif

#if (CONFIG_DEFAULT_MEM_NODE >= CONFIG_FIT_NR_NODES)
# error "Please adjust default home memory node."
#endif

#if (CONFIG_DEFAULT_STORAGE_NODE >= CONFIG_FIT_NR_NODES)
#ifndef CONFIG_USE_RAMFS
# error "Please adjust default storage node."
#endif
#endif

int manager_state = MANAGER_DOWN;
`;

export const userMakefile = `CFLAGS := -static

SRCS := $(wildcard *.c)
OBJS := $(SRCS:.c=.o)

all: $(OBJS)

clean:
	rm -f *.o

%.o: %.c
	gcc -g -o $@ $(CFLAGS) $< -lm -pthread
`;

export const userGeneral = `#include <stdio.h>
#include <unistd.h>
#include <sys/utsname.h>

static void lego_uname(void)
{
	struct utsname name;

	uname(&name);
	printf("uname(): \\n"
	       "\\t sysname: %s\\n", name.sysname);
}

int main(void)
{
	printf("pid: %d\\n", getpid());
	lego_uname();
	return 0;
}
`;

export const legoMakefile = `# Stand-in for LegoOS's Makefile.
VERSION = 4
PATCHLEVEL = 0
SUBLEVEL = 0
EXTRAVERSION =
NAME = Lego Processor
`;

export const legoKconfig = `# Stand-in for LegoOS's Kconfig.
mainmenu "LegoOS/$ARCH $KERNELVERSION Kernel Configuration"

source "arch/$SRCARCH/Kconfig"
`;

/** What the upstream defconfig says. It writes FIT_MAX_OUTSTANDING_SEND, whose default changes once a component is chosen. */
export const defconfig = `CONFIG_LOCALVERSION="-lego"
# CONFIG_LOCALVERSION_AUTO is not set
CONFIG_NR_CPUS=64
CONFIG_NUMA_USE_ONE_SOCKET=y
CONFIG_HZ_100=y
CONFIG_TTY_SERIAL=y
CONFIG_TTY_SERIAL_TTYS1=y
CONFIG_TTY_SERIAL_BAUD115200=y
CONFIG_INFINIBAND=y
CONFIG_FIT=y
CONFIG_FIT_FIRST_QPN=80
CONFIG_FIT_NR_QPS_PER_PAIR=12
CONFIG_FIT_MAX_OUTSTANDING_SEND=1
CONFIG_FIT_INITIAL_SLEEP_TIMEOUT=10
CONFIG_FIT_NR_NODES=2
CONFIG_FIT_LOCAL_ID=0
`;
