/**
 * Debian packages for arm64, downloaded by apt with a configuration, state and cache of its own: the host gets no foreign architecture and
 * its own package state stays untouched. Where packages come from, and whose signatures count, are the host's own settings.
 */
import { existsSync, statSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { systemClock } from "../../../proto/base/clock.js";
import { outputOf } from "./program.js";

/** What the board consists of; everything else comes as a dependency. */
const wanted = [
  "linux-image-cloud-arm64",
  "busybox-static",
  "bash",
  "coreutils",
  "findutils",
  "grep",
  "sed",
  "tar",
  "procps",
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
    return await install();
  } catch (cause) {
    if (!isFresh) throw cause;
    await update();
    return await install();
  }

  async function update(): Promise<void> {
    say("fetching the index of arm64 packages");
    await outputOf([...apt, "update", "--error-on=any"], { deadlineMs: 180_000, env: quiet });
    await writeFile(stamp, "");
  }

  async function install(): Promise<readonly Package[]> {
    const answer = await outputOf([...apt, "install", "--yes", "--no-install-recommends", "--print-uris", ...wanted], { env: quiet });
    const missing = [...answer.matchAll(/^'\S+' (\S+\.deb) /gm)].map(([, file = ""]) => file);
    if (missing.length > 0) {
      say(`downloading ${missing.length} arm64 packages`);
      await outputOf([...apt, "install", "--yes", "--no-install-recommends", "--download-only", ...wanted], { deadlineMs: 300_000, env: quiet });
    }
    const simulated = await outputOf([...apt, "install", "--no-install-recommends", "--simulate", ...wanted], { env: quiet });
    return [...simulated.matchAll(/^Inst (\S+) \((\S+) .*\[(\S+)\]\)/gm)].map(([, name = "", version = "", arch = ""]) => {
      const path = join(directory, "cache/archives", `${name}_${version.replaceAll(":", "%3a")}_${arch}.deb`);
      if (!existsSync(path)) throw new Error(`board: package ${name} ${version} was not downloaded to ${path}`);
      return { file: basename(path), path };
    });
  }
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
    `Dir::State "${join(directory, "state")}/";`,
    `Dir::State::status "${join(directory, "state/status")}";`,
    `Dir::Cache "${join(directory, "cache")}/";`,
    `Dir::Log "${directory}/";`,
    ...["APT::Update::Pre-Invoke", "APT::Update::Post-Invoke", "APT::Update::Post-Invoke-Success"].map((hook) => `#clear ${hook};`),
    ...["DPkg::Pre-Invoke", "DPkg::Post-Invoke", "DPkg::Pre-Install-Pkgs", "Acquire::IndexTargets::deb::DEP-11"].map((key) => `#clear ${key};`),
  ];
  await writeFile(join(directory, "apt.conf"), `${configuration.join("\n")}\n`);
  const present = doneWithout.map((name) =>
    [`Package: ${name}`, "Status: install ok installed", "Architecture: all", "Multi-Arch: foreign", "Version: 9999:0", "Maintainer: none"].join(
      "\n",
    ),
  );
  await writeFile(join(directory, "state/status"), `${present.map((text) => `${text}\nDescription: not on the board\n`).join("\n")}\n`);
  return ["apt-get", "-c", join(directory, "apt.conf"), "-q"];
}
