/** What lies in a proxy's directory, judged: before it starts, when it has stopped, and where its files have arrived. */
import t from "tap";
import type { Verdict } from "../../../../../controller/deploy/recipe.js";
import { judgeArrived, judgeCheckpoint, judgeClean, judgeHashes, readListing } from "../../../../../controller/recipes/hexo/checkpoint.js";
import { copyFile, judgeCopy, judgeRsyncVersion } from "../../../../../controller/recipes/hexo/rsync.js";
import { ended } from "../../../../support/recipe/hexo-pair.js";

/** As find prints them: kind, bytes, seconds, name. */
const listed = (...files: readonly (readonly [string, number, number])[]) =>
  files.map(([name, sizeBytes, atS]) => `f ${sizeBytes} ${atS}.2500000000 ${name}\n`).join("");
const links = "l 51 1573000000.0000000000 prog_x86-64_aligned\nl 50 1573000000.0000000000 prog_aarch64_aligned\n";
const names = ["fds.bin", "heap.bin", "bss.bin", "data.bin", "stack.bin.0", "tls.bin.0"];
const start = 1_573_000_000_000;
const full = (mdataAt = 1_573_000_008, others = 1_573_000_007) =>
  links + listed(...names.map((name) => [name, 4096, others] as const), ["mdata.bin", 512, mdataAt]);

function reason(verdict: Verdict): string {
  return verdict.ok ? "" : verdict.reason;
}

t.test("find's lines become files, with names as they are", async (t) => {
  t.same(readListing("f 512 1573000008.2500000000 mdata.bin\nd 4096 1573000000.0 check point\nfind: x\n"), [
    { kind: "f", sizeBytes: 512, modifiedMs: 1_573_000_008_250, name: "mdata.bin" },
    { kind: "d", sizeBytes: 4096, modifiedMs: 1_573_000_000_000, name: "check point" },
  ]);
});

t.test("a directory with nothing but the programs is clean, and tells since when", async (t) => {
  t.match(judgeClean(ended(links, { startedMs: 5000 }), "/d", []), { ok: true, outputs: { directory: "/d", sinceMs: 4980 } });
  t.match(judgeClean(ended(full()), "/d", [...names, "mdata.bin"]), { ok: true });
});

t.test("whatever else lies there is refused: lock, old checkpoint, stale files, an earlier status", async (t) => {
  for (const [line, says] of [
    ["f 7 1.0 .lock\n", /\.lock lies in \/d: .*would wait for another one, without a word; undeploy/],
    ["d 4096 1.0 checkpoint\n", /checkpoint lies in \/d: .*would restore that old checkpoint instead/],
    ["f 7 1.0 heap.bin\n", /heap\.bin lies in \/d: it is of no checkpoint of this run/],
    ["f 7 1.0 stack.bin.3\n", /stack\.bin\.3 lies in \/d/],
    ["f 7 1.0 .status\n", /\.status lies in \/d: an earlier proxy has run here/],
  ] as const)
    t.match(judgeClean(ended(links + line), "/d", []), { ok: false, final: true, reason: says });
  t.match(judgeClean(ended(full() + "f 7 1.0 stack.bin.9\n"), "/d", [...names, "mdata.bin"]), { final: true, reason: /stack\.bin\.9/ });
  t.match(judgeClean(ended(links), "/d", ["heap.bin"]), { final: true, reason: /heap\.bin is not in \/d/ });
  t.match(judgeClean(ended("", { exitCode: 1, stderr: "find: '/d': No such file or directory\n" }), "/d", []), {
    final: true,
    lines: ["find: '/d': No such file or directory"],
  });
});

t.test("a checkpoint counts when every file is newer than the start and mdata.bin is last", async (t) => {
  t.match(judgeCheckpoint(ended(full()), "checkpoint", start), {
    ok: true,
    outputs: { files: { "mdata.bin": 512, "heap.bin": 4096, "stack.bin.0": 4096 }, bytes: 6 * 4096 + 512 },
  });
  t.match(judgeCheckpoint(ended(full(1_573_000_007)), "checkpoint", start), { ok: true }, "in the same tick");
});

t.test("files that are missing may still come; stale, torn or misplaced ones never get right", async (t) => {
  const missing = judgeCheckpoint(ended(full().replace(/.*mdata\.bin\n/, "")), "checkpoint", start);
  t.match(missing, { ok: false, reason: /not complete: no mdata\.bin/ });
  t.notMatch(missing, { final: true });
  t.match(reason(judgeCheckpoint(ended(full().replace(/.*tls.*\n/, "")), "checkpoint", start)), /not complete: no tls\.bin\.TASK/);
  t.match(judgeCheckpoint(ended(links), "checkpoint", start), { ok: false });
  t.match(judgeCheckpoint(ended(full(1_573_000_008, 1_572_999_000)), "checkpoint", start), {
    final: true,
    reason: /heap\.bin.*are older than the proxy's start: stale files of another run/,
  });
  t.match(judgeCheckpoint(ended(full(1_573_000_008) + listed(["stack.bin.7", 1, 1_572_000_000])), "checkpoint", start), {
    final: true,
    reason: /^stack\.bin\.7 is older/,
  });
  t.match(judgeCheckpoint(ended(full(1_573_000_006)), "checkpoint", start), {
    final: true,
    reason: /mdata\.bin, which is written last, is older than fds\.bin/,
  });
});

t.test("post-copy writes descriptors, metadata, stacks and thread data; memory among them means the mode was another", async (t) => {
  const small =
    links +
    listed(
      ["fds.bin", 64, 1_573_000_007],
      ["stack.bin.0", 1, 1_573_000_007],
      ["tls.bin.0", 1, 1_573_000_007],
      ["mdata.bin", 512, 1_573_000_008],
    );
  t.match(judgeCheckpoint(ended(small), "post-copy", start), { ok: true, outputs: { bytes: 64 + 2 + 512 } });
  t.match(judgeCheckpoint(ended(small), "checkpoint", start), { ok: false, reason: /no heap\.bin, bss\.bin, data\.bin/ });
  t.match(judgeCheckpoint(ended(full()), "post-copy", start), { final: true, reason: /heap\.bin.*HERMIT_FULL_CHKPT_SAVE=0/ });
});

t.test("what has arrived has every file in its size", async (t) => {
  const sent = { "mdata.bin": 512, "heap.bin": 4096 };
  t.match(judgeArrived(ended(full()), sent), { ok: true, lines: ["mdata.bin: 512 bytes", "heap.bin: 4096 bytes"] });
  t.match(judgeArrived(ended(full()), { ...sent, "heap.bin": 4097 }), {
    final: true,
    reason: /heap\.bin has 4096 bytes, 4097 were written.*disk full/,
  });
  t.match(judgeArrived(ended(links), sent), { final: true, reason: /mdata\.bin is not there/ });
});

const [a, b] = ["a".repeat(64), "b".repeat(64)];

t.test("checksums are those of the other machine, or the copy is not the original", async (t) => {
  const sums = `${a}  /d/0/heap.bin\n${b}  /d/0/mdata.bin\n`;
  t.match(judgeHashes(ended(sums), ["heap.bin", "mdata.bin"]), { ok: true, outputs: { sha256: { "heap.bin": a, "mdata.bin": b } } });
  t.match(judgeHashes(ended(sums), ["heap.bin", "mdata.bin"], { "heap.bin": a, "mdata.bin": b }, "x0"), { ok: true });
  t.match(judgeHashes(ended(sums), ["heap.bin"], { "heap.bin": b }, "x0"), {
    final: true,
    reason: /heap\.bin is aaaaaaaaaaaa… here and bbbbbbbbbbbb… on x0: the copy is not the original/,
  });
  t.match(judgeHashes(ended(sums, { exitCode: 1, stderr: "sha256sum: x: No such file" }), ["tls.bin.0"]), {
    final: true,
    reason: /no checksum of tls/,
  });
  t.match(judgeHashes(ended(sums), []), { final: true, reason: /no file to compare/ });
});

const stats = (transferred: string, size: string) => `
Number of files: 1 (reg: 1)
Number of created files: 1 (reg: 1)
Number of regular files transferred: ${transferred}
Total file size: ${size} bytes
Total transferred file size: ${size} bytes
Literal data: ${size} bytes
`;

t.test("one copy moves one file, by rsync's own count", async (t) => {
  t.match(judgeCopy(ended(stats("1", "2,147,483,648"), { startedMs: 10, endedMs: 30 }), "heap.bin"), {
    ok: true,
    outputs: { "heap.bin": { bytes: 2_147_483_648, startedMs: 10, endedMs: 30 } },
  });
  t.match(judgeCopy(ended(stats("0", "0")), "heap.bin"), { final: true, reason: /transferred 0 files, not this one/ });
  t.match(judgeCopy(ended(""), "heap.bin"), { final: true, reason: /has told nothing/ }, "exit code 0 proves nothing");
  t.match(judgeCopy(ended("", { exitCode: 255, stderr: "Permission denied (publickey)." }), "heap.bin"), {
    final: true,
    reason: /ssh to the board has failed/,
    lines: ["Permission denied (publickey)."],
  });
  t.match(judgeCopy(ended("", { exitCode: 11 }), "heap.bin"), { final: true, reason: /exit code 11; is the disk full/ });
});

t.test("several remote names never stand in one argument, and a path is never relative to a login directory", async (t) => {
  const login = { user: "user", host: "potato", port: 22, identity: undefined };
  t.same(copyFile(login, "x86", "/d/1/heap.bin", "/d/2").slice(-2), ["user@potato:/d/1/heap.bin", "/d/2/"]);
  t.same(copyFile(login, "arm", "/d/1/heap.bin", "/d/2").slice(-2), ["/d/1/heap.bin", "user@potato:/d/2/"]);
});

t.test("rsync must be 3.0 or newer", async (t) => {
  t.match(judgeRsyncVersion(ended("rsync  version 3.2.3  protocol version 31\n")), { ok: true });
  t.match(judgeRsyncVersion(ended("rsync  version v3.1.2  protocol version 31\n")), { ok: true });
  t.match(judgeRsyncVersion(ended("rsync  version 2.6.9  protocol version 29\n")), {
    final: true,
    reason: /older than 3\.0: install a newer one/,
  });
  t.match(judgeRsyncVersion(ended("", { exitCode: 127 })), { final: true, reason: /install it/ });
});
