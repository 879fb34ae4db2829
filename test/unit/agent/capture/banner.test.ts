import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { type Banner, BannerDetector, type BannerStage } from "../../../../agent/capture/banner.js";
import { randomSplit, seeded } from "../../../support/capture/random.js";

const table: readonly { line: string; stage: BannerStage | undefined }[] = [
  { line: "[    0.000000] LegoOS version 4.0.0-lego+ (root@vm) (gcc version 12.2.0) #1 SMP", stage: "kernel" },
  { line: "[    0.000000] Linux version 3.10.0-327.el7.x86_64 (builder@host) (gcc version 4.8.3)", stage: "kernel" },
  { line: "Linux version 2.6.32 (root@host) (gcc version 4.4.7)", stage: "kernel" },
  { line: "[    0.000000] Booting Linux on physical CPU 0x0", stage: undefined },
  { line: "[   12.001200] Linux version 3.10.0 was here", stage: undefined },
  { line: "[    0.000000] DMI: Dell Inc. PowerEdge R720/0VWT90, BIOS 2.5.4 01/22/2016", stage: undefined },
  { line: "gcc says: this is not Linux version 4", stage: undefined },
  { line: "\x1b[H\x1b[JGRUB loading.", stage: undefined },
  { line: "Welcome to GRUB!", stage: "loader" },
  { line: "                             GNU GRUB  version 2.02", stage: "loader" },
  { line: "\x1b[0m\x1b[30;47m\x1b[2;30HGNU GRUB  version 2.06\x1b[m", stage: "loader" },
  { line: "U-Boot 2021.01 (Mar 03 2022 - 10:00:00 +0000)", stage: "loader" },
  { line: "SeaBIOS (version 1.16.2-debian-1.16.2-1)", stage: "firmware" },
  { line: "iPXE 1.21.1+ -- Open Source Network Boot Firmware", stage: "firmware" },
  { line: "\x1b[2J\x1b[HAmerican Megatrends Inc.", stage: "firmware" },
];

function detect(pieces: readonly Uint8Array[]): Banner[] {
  const detector = new BannerDetector();
  let offset = 0;
  return pieces.flatMap((piece) => {
    const found = detector.push(piece, offset);
    offset += piece.length;
    return found;
  });
}

t.test("lines that announce firmware, boot loader or kernel are told from lines that only mention them", async (t) => {
  for (const { line, stage } of table) t.equal(detect([Buffer.from(`${line}\r\n`, "latin1")])[0]?.stage, stage, line);
});

t.test("the same banners are found whole, byte by byte and in random pieces", async (t) => {
  const text = Buffer.from(`\x00\xff\xfe${table.map(({ line }) => line).join("\r\n")}\r\n`, "latin1");
  const whole = detect([text]);
  t.equal(whole.length, table.filter(({ stage }) => stage !== undefined).length);
  for (const { offset } of whole) t.ok(offset === 0 || text[offset - 1] === 0x0a, "a banner's offset is the start of its line");
  t.same(detect(randomSplit(text, 1, Math.random)), whole);
  for (let seed = 1; seed <= 20; seed += 1) t.same(detect(randomSplit(text, 60, seeded(seed))), whole, `seed ${seed}`);
});

t.test("a banner on a line that never ends is found once its head is full", async (t) => {
  const line = Buffer.from(`\x1b[2;30HGNU GRUB  version 2.06${"\x1b[4;4H ".repeat(100)}`, "latin1");
  t.equal(detect([line]).length, 1);
  t.same(detect(randomSplit(line, 1, Math.random)), detect([line]));
});

t.test("after an interruption what comes next begins a line", async (t) => {
  const detector = new BannerDetector();
  t.same(detector.push(Buffer.from("login: Linux ver"), 0), []);
  detector.interrupt();
  t.match(detector.push(Buffer.from("Linux version 5.1\n"), 16), [{ stage: "kernel", offset: 16, text: "Linux version 5.1" }]);
});

const repository = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..", "..", "..");
const transcripts = process.env.LABD_SERIAL_DATA ?? join(repository, "..", "shared", "data", "serial");

t.test("each real transcript holds one boot", { skip: !existsSync(transcripts) && `no transcripts in ${transcripts}` }, async (t) => {
  for (const name of readdirSync(transcripts).filter((each) => each.endsWith(".log"))) {
    const bytes = readFileSync(join(transcripts, name));
    const banners = detect(randomSplit(bytes, 90, seeded(7)));
    t.match(banners, [{ stage: "kernel", text: name.includes("storage") ? /Linux version 3\.13/ : /LegoOS version 4\.0\.0/ }], name);
    t.equal(banners.length, 1, name);
  }
});
