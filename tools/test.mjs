/**
 * `npm test`: installs, builds, runs every test, and closes with "N passed, N failed, N skipped". The tests on an aarch64 board
 * (test/board, an emulated machine) are part of it with CI set or after `--with-board`, and all of it after `--board` (`npm run test:board`).
 * Real peers (ipmitool, FreeIPMI, OpenIPMI's ipmi_sim, OpenSSH) come from Debian packages: installed here when we may, else the tests
 * that need them are skipped with the command that would install them. With CI set, such a skip is a failure.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { bin, installDependencies, installTools, must, prepareTap, root, run } from "./run.mjs";

const boardPackages = {
  "qemu-system-aarch64": "qemu-system-arm",
  "mkfs.ext4": "e2fsprogs",
  ssh: "openssh-client",
  rsync: "rsync",
  setpriv: "util-linux",
};
const packages = {
  ipmitool: "ipmitool",
  ipmi_sim: "openipmi",
  ipmipower: "freeipmi-tools",
  "import pyghmi": "python3-pyghmi",
  redfishtool: "redfishtool",
  cc: "build-essential",
  sshd: "openssh-server",
  "ssh-keygen": "openssh-client",
  busybox: "busybox-static",
  virsh: "libvirt-clients",
  libvirtd: "libvirt-daemon",
};

/** What a file that runs alone may take; as .taprc has it for the others. */
const fileTimeoutS = 600;

const arguments_ = process.argv.slice(2);
const boardOnly = arguments_.includes("--board");
const selected = arguments_.filter((each) => each !== "--board" && each !== "--with-board");
const withBoard = boardOnly || (selected.length === 0 && (Boolean(process.env.CI) || arguments_.includes("--with-board")));

installDependencies();
installTools();
installPeers({ ...(boardOnly ? {} : packages), ...(withBoard ? boardPackages : {}) });
prepareTap();
must(process.execPath, [join(root, "tools", "build.mjs")]);

if (withBoard) await makeBoardImage();
const { together, alone } = selected.length > 0 ? { together: selected, alone: [] } : testsToRun();
const outcomes = together.length > 0 ? [await runTogether(together)] : [];
for (const path of alone) outcomes.push(await runAlone(path));
process.exit(conclude(outcomes));

/**
 * Tests that run a whole lab as processes have the machine to themselves: LegoOS waits about a minute for its peers, simulated or not.
 * So have those on a board: under software emulation it takes a core of its own.
 */
function testsToRun() {
  const board = testsIn(join("test", "board"));
  if (boardOnly) return { together: [], alone: board };
  const tests = testsIn("test").filter((path) => !board.includes(path));
  const isWholeLab = (path) => readFileSync(join(root, path), "utf8").includes("/support/whole-lab/");
  const alone = [...tests.filter(isWholeLab), ...(withBoard ? board : [])];
  return { together: tests.filter((path) => !isWholeLab(path)), alone };
}

function testsIn(folder) {
  return readdirSync(join(root, "dist", folder), { recursive: true })
    .map((name) => join("dist", folder, name))
    .filter((path) => path.endsWith(".test.js"));
}

/** Before the tests, so that no test's deadline includes downloads. A failure is told here and met by the tests themselves. */
async function makeBoardImage() {
  const support = (name) => import(pathToFileURL(join(root, "dist", "test", "support", "board", name)));
  const { boardMissing } = await support("board.js");
  if (boardMissing() !== false) return;
  const { boardImage } = await support("image.js");
  const began = Date.now();
  const say = (text) => process.stdout.write(`${text}\n`);
  await boardImage(say).then(
    () => say(`ok     the board's image ${((Date.now() - began) / 1000).toFixed(1)} s`),
    (error) => say(`FAILED the board's image: ${error.message}`),
  );
}

/** Runs tap; shows a line a file, and everything a failing file said. Resolves with what it counted. */
async function runTogether(tests) {
  const tap = spawn(bin("tap"), ["run", "--reporter=tap", ...tests], { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(tap, "exit");
  const skips = new Set();
  let said = [];
  let totals = "";
  for await (const line of createInterface({ input: tap.stdout })) {
    said.push(line);
    noteSkip(line, skips);
    if (line.startsWith("# {")) totals = line;
    const file = /^(ok|not ok) \d+ - (\S+).*?# time=([\d.]+)ms/.exec(line);
    if (!file) continue;
    show(file[2], file[1] === "ok", Number(file[3]), said);
    said = [];
  }
  const [code] = await exited;
  return { code: code ?? 1, totals, skips: [...skips] };
}

/**
 * Runs one test file by itself, as tap's runner would but for its hooks: they go into every process the test starts, and a lab is many
 * short-lived processes. Killed when it is not over in time.
 */
async function runAlone(path) {
  const began = Date.now();
  const env = { ...process.env, TAP_TIMEOUT: String(fileTimeoutS) };
  const test = spawn(process.execPath, ["--enable-source-maps", path], { cwd: root, env, stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(test, "exit");
  const overdue = setTimeout(() => test.kill("SIGKILL"), (fileTimeoutS + 60) * 1000);
  const lines = createInterface({ input: test.stdout });
  // A process it has left behind may hold its output open.
  void exited.then(() => setTimeout(() => lines.close(), 5000).unref());
  const skips = new Set();
  const said = [];
  let totals = "";
  for await (const line of lines) {
    said.push(line);
    noteSkip(line, skips);
    if (line.startsWith("# {")) totals = line;
  }
  const [code] = await exited;
  clearTimeout(overdue);
  // A file that has counted nothing was cut off, whatever its exit code.
  const ok = code === 0 && (/\bpass: [1-9]/.test(totals) || skips.size > 0);
  show(path, ok, Date.now() - began, said);
  return { code: ok ? 0 : 1, totals, skips: [...skips] };
}

function noteSkip(line, skips) {
  const skip = /^\s*ok \d+.*# SKIP (.*)$/.exec(line) ?? /^1\.\.0 # (?:SKIP )?(.*)$/.exec(line);
  if (skip) skips.add(skip[1]);
}

function show(path, ok, tookMs, said) {
  if (!ok) process.stdout.write(`${said.join("\n")}\n`);
  process.stdout.write(`${ok ? "ok    " : "FAILED"} ${path.replace(/^dist\//, "")} ${(tookMs / 1000).toFixed(1)} s\n`);
}

/** Prints skips and the closing line; the exit code is 0 only when tests ran, all passed and nothing was skipped that CI must have. */
function conclude(outcomes) {
  const skips = outcomes.flatMap((each) => each.skips);
  for (const reason of skips) process.stdout.write(`skipped: ${reason}\n`);
  const count = (what) => outcomes.reduce((sum, { totals }) => sum + Number(new RegExp(`${what}: (\\d+)`).exec(totals)?.[1] ?? 0), 0);
  const missing = process.env.CI ? skips.filter((reason) => reason.includes("apt-get")) : [];
  if (missing.length > 0) process.stdout.write(`in CI no test may be skipped for want of a package: ${missing.join("; ")}\n`);
  if (count("total") === 0) process.stdout.write("no test ran\n");
  const bad = outcomes.some((each) => each.code !== 0) || count("fail") > 0 || count("total") === 0 || missing.length > 0;
  process.stdout.write(`${count("pass")} passed, ${bad ? Math.max(1, count("fail")) : 0} failed, ${count("skip")} skipped\n`);
  return bad ? 1 : 0;
}

/** A program, or a module of Debian's own Python as one imports it. */
function isThere(program) {
  if (program.startsWith("import ")) return spawnSync("/usr/bin/python3", ["-c", program]).status === 0;
  return spawnSync("sh", ["-c", `command -v ${program} || command -v /usr/sbin/${program}`]).status === 0;
}

function installPeers(peers) {
  const wanted = Object.entries(peers)
    .filter(([program]) => !isThere(program))
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
