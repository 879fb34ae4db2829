/** The Linux module sources of the stand-in tree that a deployment edits; see tree-kernel-sources.ts. */

/** The LIDs of the laboratory the upstream table describes, by number of its machine. */
const lids = [2, 6, 8, 9, 7, 3, 5, 4, 10, 12, 14, 11, 13, 15, 16, 17, 20, 21, 19, 18, 24, 25, 26, 27, 28, 30];
const hostname = (index: number) => `wuklab${String(index).padStart(2, "0")}`;
const row = (lid: number, index: number) => `[${index}]	= {	.hostname =	"${hostname(index)}",	.lid =	${lid},	},`;

export const moduleNodeTable = `/*
 * Stand-in for the FIT module's node table: who is in the cluster, and at which LID.
 */

#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <rdma/ib_verbs.h>

#include "../../include/uapi/fit.h"

#include "fit_internal.h"

/*
 * Names of the machines of this cluster, by FIT node ID.
 */
static const char *lego_cluster_hostnames[CONFIG_FIT_NR_NODES] = {
	[0]	=	"wuklab14",
	[1]	=	"wuklab09",
	[2]	=	"wuklab12",
	[3]	=	"wuklab13",
	[4]	=	"wuklab15",
};

/* Built based on node id */
struct fit_machine_info *lego_cluster[CONFIG_FIT_NR_NODES];

static struct fit_machine_info WUKLAB_CLUSTER[] = {
${lids.map(row).join("\n")}
};

unsigned int global_lid[CONFIG_FIT_NR_NODES];

unsigned int get_node_global_lid(unsigned int nid)
{
	BUG_ON(nid >= CONFIG_FIT_NR_NODES);
	return global_lid[nid];
}
`;

export const fitConfigHeader = (nodeCount: number) => `#ifndef _LINUX_MODULE_FIT_CONFIG_H_
#define _LINUX_MODULE_FIT_CONFIG_H_

/* FIT module state */
#define FIT_MODULE_DOWN			0
#define FIT_MODULE_UP			1

/* Lego cluster config */
#define CONFIG_FIT_LOCAL_ID		2
#define CONFIG_FIT_NR_NODES		${nodeCount}
#define MAX_NODE			CONFIG_FIT_NR_NODES

/*
 * These must match the numbers in P and M,
 * otherwise no connection comes up.
 */
#define CONFIG_FIT_FIRST_QPN		(80)
#define CONFIG_FIT_NR_QPS_PER_PAIR	(12)

//#define CONFIG_SOCKET_O_IB

#endif /* _LINUX_MODULE_FIT_CONFIG_H_ */
`;

export const storageConfigHeader = `#ifndef _LEGO_STORAGE_CONFIG_H_
#define _LEGO_STORAGE_CONFIG_H_

/* With this on, insmod never returns. */
//#define STORAGE_BYPASS_PAGE_CACHE

/* Noisy in dmesg. */
//#define STORAGE_DEBUG_OPEN
//#define STORAGE_DEBUG_READ_WRITE
//#define STORAGE_DEBUG_STAT

#endif /* _LEGO_STORAGE_CONFIG_H_ */
`;

export const monitorConfigHeader = `#ifndef _LEGO_MONITOR_CONFIG_H_
#define _LEGO_MONITOR_CONFIG_H_

#define IP_ADDRESS_BASE		0x0a000000
#define VNODE_MAP_ORDER		8

#define PROCESSOR_NODE_COUNT	1
#define MEMORY_NODE_COUNT	1

static int pnode_nids[PROCESSOR_NODE_COUNT] = { 0 };
static int mnode_nids[MEMORY_NODE_COUNT] = { 1 };

/* Exactly one placement policy */
//#define CONFIG_POLICY_RR
#define CONFIG_POLICY_NETWORK
//#define CONFIG_POLICY_MEMORY

#define RR_CHOOSE_INTERVAL	4

#endif /* _LEGO_MONITOR_CONFIG_H_ */
`;

export const modulesMakefile = `# Stand-in for linux-modules/Makefile: all, fit_install, storage_install, monitor_install
MODULES := fit storage monitor
`;

export const makefileOf = (objects: string) => `obj-m += ${objects}
KERNELDIR := /lib/modules/$(shell uname -r)/build

all:
	$(MAKE) -C $(KERNELDIR) M=$(PWD) modules
`;
