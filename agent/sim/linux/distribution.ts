/** Which Linux is installed, by architecture. Pure. */

export interface Distribution {
  readonly prettyName: string;
  /** /etc/os-release */
  readonly osRelease: string;
}

const centos: Distribution = {
  prettyName: "CentOS Linux 7 (Core)",
  osRelease: 'NAME="CentOS Linux"\nVERSION="7 (Core)"\nID="centos"\nVERSION_ID="7"\nPRETTY_NAME="CentOS Linux 7 (Core)"\n',
};

const debian: Distribution = {
  prettyName: "Debian GNU/Linux 12 (bookworm)",
  osRelease: 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nVERSION="12 (bookworm)"\nID=debian\n',
};

export function distribution(arch: string): Distribution {
  return arch === "aarch64" ? debian : centos;
}
