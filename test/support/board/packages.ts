/**
 * Debian packages for arm64, downloaded by apt with a configuration, state and cache of its own: the host gets no foreign architecture and
 * its own package state stays untouched. Where packages come from, and whose signatures count, are the host's own settings.
 */
import { existsSync, statSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "../../../proto/base/clock.js";
import { describeError, FailedError } from "../../../proto/base/errors.js";
import { outputOf } from "./program.js";

/** What the board consists of; everything else comes as a dependency. */
const wanted = [
  "linux-image-cloud-arm64",
  "busybox-static",
  "bash",
  "dash",
  "coreutils",
  "findutils",
  "grep",
  "sed",
  "tar",
  "procps",
  "util-linux",
  "openssh-server",
  "rsync",
  "nodejs",
];

/** Dependencies the board does without: nothing is configured on it, its start-up is its own, and it has no PAM and no udev. */
const doneWithout = [
  ..."adduser debconf dpkg init-system-helpers initramfs-tools kmod libpam-modules libpam-runtime linux-base lsb-base".split(" "),
  ..."passwd perl perl-base perl-modules-5.36 runit-helper ucf usrmerge".split(" "),
];

/** An index of packages older than this is fetched anew: pools forget old versions. */
const indexAgeMs = 12 * 3600 * 1000;

export interface Package {
  /** NAME_VERSION_ARCH.deb */
  readonly file: string;
  readonly path: string;
}

/** Finds and downloads the packages; `directory` keeps apt's state between calls. `say` is told what takes time. */
export async function boardPackages(directory: string, say: (text: string) => void): Promise<readonly Package[]> {
  const apt = await privateApt(directory);
  const stamp = join(directory, "updated");
  const isFresh = existsSync(stamp) && systemClock.now() - statSync(stamp).mtimeMs < indexAgeMs;
  if (!isFresh) await update();
  try {
    return await download();
  } catch (error) {
    // An index that is no longer true, or was fetched in part.
    if (!isFresh) throw unavailable(error);
    await update();
    return await download().catch((again: unknown) => {
      throw unavailable(again);
    });
  }

  async function update(): Promise<void> {
    say("fetching the index of arm64 packages");
    await outputOf([...apt, "update"], { deadlineMs: 180_000, env: quiet });
    await writeFile(stamp, "");
  }

  async function download(): Promise<readonly Package[]> {
    const install = ["install", "--yes", "--no-install-recommends"];
    const simulated = await outputOf([...apt, ...install, "--simulate", ...wanted], { env: quiet });
    const packages = [...simulated.matchAll(/^Inst (\S+) \((\S+) .*\[(\S+)\]\)/gm)].map(([, name = "", version = "", arch = ""]) => {
      const file = `${name}_${version.replaceAll(":", "%3a")}_${arch}.deb`;
      return { file, path: join(directory, "cache/archives", file) };
    });
    const absent = () => packages.filter(({ path }) => !existsSync(path));
    if (absent().length > 0) {
      say(`downloading ${absent().length} arm64 packages`);
      await outputOf([...apt, ...install, "--download-only", ...wanted], { deadlineMs: 300_000, env: quiet });
    }
    const lost = absent().map(({ file }) => file);
    if (packages.length === 0 || lost.length > 0) throw new FailedError(`board: apt-get did not download ${lost.join(" ") || "anything"}`);
    return packages;
  }
}

function unavailable(error: unknown): FailedError {
  return new FailedError(`board: arm64 packages: ${describeError(error)}; the apt sources of this machine must offer arm64`);
}

const quiet = { DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" };

/** The apt-get command with everything it writes below `directory`, and none of the host's hooks. */
async function privateApt(directory: string): Promise<readonly string[]> {
  await mkdir(join(directory, "state/lists/partial"), { recursive: true });
  await mkdir(join(directory, "cache/archives/partial"), { recursive: true });
  const configuration = [
    'APT::Architecture "arm64";',
    "#clear APT::Architectures;",
    'APT::Architectures { "arm64"; };',
    // The directory may lie where the user _apt may not look.
    'APT::Sandbox::User "root";',
    'APT::Keep-Downloaded-Packages "true";',
    'Acquire::Languages "none";',
    'Acquire::Retries "3";',
    'Dir::Cache::pkgcache "pkgcache.bin";',
    `Dir::State "${join(directory, "state")}/";`,
    `Dir::State::status "${join(directory, "state/status")}";`,
    `Dir::Cache "${join(directory, "cache")}/";`,
    `Dir::Log "${directory}/";`,
    ...["APT::Update::Pre-Invoke", "APT::Update::Post-Invoke", "APT::Update::Post-Invoke-Success"].map((hook) => `#clear ${hook};`),
    ...["DPkg::Pre-Invoke", "DPkg::Post-Invoke", "DPkg::Pre-Install-Pkgs", "Acquire::IndexTargets::deb::DEP-11"].map(
      (key) => `#clear ${key};`,
    ),
  ];
  await writeFile(join(directory, "apt.conf"), `${configuration.join("\n")}\n`);
  const present = doneWithout.map((name) =>
    [
      `Package: ${name}`,
      "Status: install ok installed",
      "Architecture: all",
      "Multi-Arch: foreign",
      "Version: 9999:0",
      "Maintainer: none",
    ].join("\n"),
  );
  await writeFile(join(directory, "state/status"), `${present.map((text) => `${text}\nDescription: not on the board\n`).join("\n")}\n`);
  return ["apt-get", "-c", join(directory, "apt.conf"), "-q"];
}
