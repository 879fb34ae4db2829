/**
 * `npm test`: installs, builds, runs every test, and closes with "N passed, N failed, N skipped".
 * Real peers (ipmitool, FreeIPMI, OpenIPMI's ipmi_sim) come from Debian packages: installed here when we may, else the tests that need
 * them are skipped with the command that would install them. With CI set, such a skip is a failure.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bin, installDependencies, installTools, must, root, run } from "./run.mjs";

const packages = { ipmitool: "ipmitool", ipmi_sim: "openipmi", ipmipower: "freeipmi-tools" };

installDependencies();
installTools();
installPeers();
must(bin("tap"), ["build"], { stdio: "ignore" });
must(process.execPath, [join(root, "tools", "build.mjs")]);

const work = mkdtempSync(join(tmpdir(), "labd-test-"));
const report = join(work, "report.tap");
const selected = process.argv.slice(2);
const code = run(bin("tap"), ["run", "--reporter=terse", `--output-file=${report}`, ...selected]);
const text = readFileSync(report, "utf8");
rmSync(work, { recursive: true, force: true });
process.exit(conclude(text, code));

/** Prints skips and the closing line; the exit code is 0 only when tests ran, all passed and nothing was skipped that CI must have. */
function conclude(tap, exitCode) {
  const skips = [...new Set([...tap.matchAll(/^\s*ok \d+.*# SKIP (.*)$/gm)].map((match) => match[1]))];
  for (const reason of skips) process.stdout.write(`skipped: ${reason}\n`);
  const totals = /^# \{ total: (\d+)(?:, pass: (\d+))?(?:, fail: (\d+))?(?:, skip: (\d+))?/m.exec(tap) ?? [];
  const [, total = "0", passed = "0", failed = "0", skipped = "0"] = totals;
  const missing = process.env.CI ? skips.filter((reason) => reason.includes("apt-get")) : [];
  if (missing.length > 0) process.stdout.write(`in CI no test may be skipped for want of a package: ${missing.join("; ")}\n`);
  if (Number(total) === 0) process.stdout.write("no test ran\n");
  const bad = Number(failed) > 0 || Number(total) === 0 || missing.length > 0 ? 1 : exitCode;
  process.stdout.write(`${passed} passed, ${bad !== 0 && failed === "0" ? 1 : failed} failed, ${skipped} skipped\n`);
  return bad;
}

function installPeers() {
  const wanted = Object.entries(packages)
    .filter(([program]) => spawnSync("sh", ["-c", `command -v ${program} || command -v /usr/sbin/${program}`]).status !== 0)
    .map(([, name]) => name);
  if (wanted.length === 0) return;
  const sudo = process.getuid?.() === 0 ? [] : ["sudo", "-n"];
  if (sudo.length > 0 && spawnSync("sudo", ["-n", "true"]).status !== 0) return;
  if (spawnSync("sh", ["-c", "command -v apt-get"]).status !== 0) return;
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const apt = (...args) =>
    run(sudo[0] ?? "apt-get", [...sudo.slice(1), ...(sudo.length > 0 ? ["apt-get"] : []), ...args], {
      env,
      stdio: ["ignore", "ignore", "inherit"],
    });
  process.stdout.write(`installing ${wanted.join(" ")}\n`);
  apt("update", "-qq");
  apt("install", "-y", "-qq", "--no-install-recommends", ...wanted);
}
