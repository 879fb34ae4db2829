import t from "tap";
import type { BannerStage } from "../../../../agent/capture/banner.js";
import { afterMark, markOfBanner, markOfPower, noEpoch } from "../../../../agent/capture/boot-epochs.js";
import type { PowerVerb } from "../../../../agent/ports/power.js";

const verbs: readonly string[] = ["on", "off", "cycle", "reset", "soft"] satisfies PowerVerb[];

/** Plays power verbs and banner stages; returns the causes of the epochs that begin. */
function play(...happenings: (PowerVerb | BannerStage)[]): string[] {
  let state = noEpoch;
  const begun: string[] = [];
  happenings.forEach((happening, offset) => {
    const mark = verbs.includes(happening)
      ? markOfPower(state, happening as PowerVerb, offset, 0)
      : markOfBanner(state, { stage: happening as BannerStage, offset, text: happening }, 0);
    if (mark === undefined) return;
    if (mark.kind === "boot") begun.push(`${mark.epoch}:${mark.detail}`);
    state = afterMark(state, mark);
  });
  return begun;
}

t.test("a power act and the banners that follow it are one epoch", async (t) => {
  t.same(play("cycle", "firmware", "loader", "kernel"), ["1:cycle"]);
  t.same(play("on", "firmware", "firmware", "loader", "kernel", "reset", "kernel"), ["1:on", "2:reset"]);
});

t.test("the first banner begins an epoch, and after a kernel the next banner begins another", async (t) => {
  t.same(play("kernel"), ["1:kernel"]);
  t.same(play("firmware", "loader", "kernel", "firmware", "loader", "kernel"), ["1:firmware", "2:firmware"]);
  t.same(play("kernel", "kernel"), ["1:kernel", "2:kernel"], "kexec, or a console that sees kernels only");
});

t.test("off and soft begin nothing: what comes after them is the old boot's last words", async (t) => {
  t.same(play("kernel", "soft", "off", "on", "kernel"), ["1:kernel", "2:on"]);
  t.same(play("off"), []);
});

t.test("every power act that boots is an epoch of its own", async (t) => {
  t.same(play("cycle", "cycle", "firmware"), ["1:cycle", "2:cycle"]);
});
