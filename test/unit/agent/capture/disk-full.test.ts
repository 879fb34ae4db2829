import * as fs from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { ConsoleLog } from "../../../../agent/capture/console-log.js";
import type { LogFilesystem } from "../../../../agent/capture/filesystem.js";
import { follow } from "../../../../agent/capture/follow.js";
import { bytesOf, collect, shape } from "../../../support/capture/following.js";
import { seeded } from "../../../support/capture/random.js";
import { FakeClock } from "../../../support/fake-clock.js";

/** A disk with room for so many bytes, as ENOSPC and short writes tell it. */
class SmallDisk {
  room = Number.POSITIVE_INFINITY;
  code = "ENOSPC";

  get filesystem(): LogFilesystem {
    const writeSync = (fd: number, data: Uint8Array, from: number, length: number, position: number) => {
      if (this.room <= 0) throw Object.assign(new Error(`${this.code}: write failed`), { code: this.code });
      const written = fs.writeSync(fd, data, from, Math.min(length, this.room), position);
      this.room -= written;
      return written;
    };
    return { ...fs, writeSync: writeSync as typeof fs.writeSync };
  }
}

function newLog(t: Test) {
  const clock = new FakeClock(1_000_000);
  const disk = new SmallDisk();
  const directory = join(t.testdir(), "p0");
  const open = () => new ConsoleLog(directory, { clock, filesystem: disk.filesystem, segmentBytes: 100 });
  const log = open();
  const print = (text: string) => {
    log.append(Buffer.from(text), clock.now());
    log.flush();
  };
  return { clock, disk, log, print, open };
}

t.test("a full disk loses bytes, says so live, and says how many when there is room again", async (t) => {
  const { clock, disk, log, print, open } = newLog(t);
  print("stored ");
  disk.room = 0;
  print("lost");
  t.ok(log.losing);
  t.same(shape(await collect(follow(log, { from: { offset: 0 }, live: false }))), ["data@0+7", "gap:disk-full@7 open"]);
  await clock.advance(60_000);
  print("lost too");
  disk.room = Number.POSITIVE_INFINITY;
  await clock.advance(1_000);
  print("stored again");
  t.notOk(log.losing);
  const events = await collect(follow(log, { from: { offset: 0 }, live: false }));
  t.equal(bytesOf(events).toString(), "stored stored again");
  t.match(events[1], { cause: "disk-full", offset: 7, lostBytes: 12, fromMs: 1_000_000, toMs: 1_061_000, detail: /ENOSPC/ });
  log.close();
  const again = open();
  t.match((await collect(follow(again, { from: { offset: 0 }, live: false })))[1], { cause: "disk-full", lostBytes: 12, toMs: 1_061_000 });
  again.close();
});

t.test("what fits is stored, and every byte that does not is counted in a gap at its place", async (t) => {
  for (let seed = 1; seed <= 12; seed += 1) {
    const random = seeded(seed);
    const { clock, disk, log, open } = newLog(t);
    let printed = 0;
    for (let round = 0; round < 60; round += 1) {
      if (random() < 0.2) disk.room = random() < 0.5 ? Number.POSITIVE_INFINITY : Math.floor(random() * 300);
      const data = Uint8Array.from({ length: 1 + Math.floor(random() * 60) }, (_, index) => (printed + index) % 251);
      log.append(data, clock.now());
      printed += data.length;
      if (random() < 0.1) log.gap({ cause: "overrun", detail: "flag", fromMs: clock.now(), toMs: clock.now() });
      log.flush();
      await clock.advance(Math.floor(random() * 100));
    }
    disk.room = Number.POSITIVE_INFINITY;
    log.append(Uint8Array.of(printed % 251), clock.now());
    log.flush();
    log.close();
    const again = open();
    let position = 0;
    let wrong = 0;
    for (const event of await collect(follow(again, { from: { offset: 0 }, live: false }))) {
      if (event.kind === "gap") position += event.lostBytes;
      else if (event.kind === "data") {
        for (const byte of event.data) {
          if (byte !== position % 251) wrong += 1;
          position += 1;
        }
      }
    }
    t.same({ position, wrong }, { position: printed + 1, wrong: 0 }, `seed ${seed}`);
    again.close();
  }
});

t.test("another write error is a gap too, under its own name", async (t) => {
  const { disk, log, print } = newLog(t);
  disk.room = 0;
  disk.code = "EIO";
  print("lost");
  t.match((await collect(follow(log, { from: { offset: 0 }, live: false })))[0], { cause: "discarded", detail: /EIO/ });
  log.close();
});
