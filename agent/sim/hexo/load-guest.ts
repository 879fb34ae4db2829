/** Which program is in a file: its application's name decides. */
import type { Guest } from "./guest.js";
import { IntegerSort } from "./integer-sort.js";
import type { Program } from "./program-file.js";
import { Counting, Greeting } from "./small-guests.js";

export function loadGuest({ app, problemClass, instrumented }: Program): Guest {
  if (/^(?:npb-)?is$/.test(app)) return new IntegerSort(problemClass);
  if (app === "hello") return new Greeting();
  // NPB and instrument-functions come with their migration points; others have those of -finstrument-functions.
  return new Counting(app, instrumented || problemClass !== "" || app === "instrument-functions");
}
