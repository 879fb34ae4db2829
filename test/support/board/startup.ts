/** What the board runs before ssh answers, and its accounts. Shell, because nothing else is there yet. */

/** The board's user: not root, member of the group that may open /dev/kvm. */
export const boardUser = "hexo";

/** Order matters: insmod does not look for what a module needs. ext4 is part of the kernel. */
export const modules = ["virtio_ring", "virtio", "virtio_mmio", "virtio_blk", "failover", "net_failover", "virtio_net", "virtio-rng"];

/** /init of the initramfs: modules, the disk, the files of this run, and over to the disk. */
export const initScript = `#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t devtmpfs dev /dev
for m in ${modules.join(" ")}; do $b insmod /lib/$m.ko || echo "board: module $m does not load"; done
n=0
until [ -b /dev/vda ] || [ $n -eq 500 ]; do $b usleep 20000; n=$((n+1)); done
$b mount -t ext4 -o noatime /dev/vda /disk || echo "board: no disk"
$b cp -a /run-files/. /disk/
for m in proc sys dev; do $b mount --move /$m /disk/$m; done
exec $b switch_root /disk /sbin/init
`;

/**
 * Process 1. The network is QEMU's user network: 10.0.2.2 is the host. /dev/kvm is a plain file: readable and writable for its group, which
 * is what can be checked without a hypervisor in the hypervisor.
 */
export const startScript = `#!/bin/busybox sh
b=/bin/busybox
$b mkdir -p /dev/pts /dev/shm
$b mount -t devpts devpts /dev/pts
$b mount -t tmpfs -o mode=1777 shm /dev/shm
$b mount -t tmpfs -o mode=755 run /run
$b mount -t tmpfs -o mode=1777 tmp /tmp
$b mkdir -m 755 /run/sshd
$b hostname board
$b ip link set lo up
$b ip addr add 10.0.2.15/24 dev eth0
$b ip link set eth0 up
$b ip route add default via 10.0.2.2
$b chown -R root:root /etc/ssh
$b chown -R ${boardUser}:${boardUser} /home/${boardUser}
: > /dev/kvm
$b chown root:kvm /dev/kvm
$b chmod 660 /dev/kvm
/usr/sbin/sshd && echo "board: sshd started after $($b cut -d ' ' -f 1 /proc/uptime) s"
trap "$b reboot -f" TERM
while :; do $b sleep 3600 & wait $!; done
`;

/** Files of the disk: path → content. */
export const systemFiles: Readonly<Record<string, string>> = {
  "etc/passwd": [
    "root:*:0:0:root:/root:/bin/bash",
    "sshd:*:100:65534::/run/sshd:/usr/sbin/nologin",
    `${boardUser}:*:1000:1000::/home/${boardUser}:/bin/bash`,
    "nobody:*:65534:65534::/nonexistent:/usr/sbin/nologin",
    "",
  ].join("\n"),
  "etc/group": ["root:x:0:", "tty:x:5:", `kvm:x:101:${boardUser}`, `${boardUser}:x:1000:`, "nogroup:x:65534:", ""].join("\n"),
  "etc/hosts": "127.0.0.1 localhost board\n",
  "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
  "etc/ssh/sshd_config": [
    "HostKey /etc/ssh/ssh_host_ed25519_key",
    "AuthorizedKeysFile /etc/ssh/keys/%u",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    "UsePAM no",
    "UseDNS no",
    "PermitRootLogin prohibit-password",
    "PrintMotd no",
    "MaxSessions 50",
    "MaxStartups 50:30:100",
    "Subsystem sftp /usr/lib/openssh/sftp-server",
    "",
  ].join("\n"),
  "sbin/init": startScript,
};

export const executableFiles: readonly string[] = ["sbin/init"];

/** Programs busybox lends where no package of the board brings them. */
export const busyboxPrograms: readonly string[] =
  "awk dmesg getty gzip hostname ip less lsmod mount ping reboot poweroff umount vi which".split(" ");
