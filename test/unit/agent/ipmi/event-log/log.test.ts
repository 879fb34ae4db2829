/** The newest entries of an event log, whose records lead only forwards. */
import t from "tap";
import { getSelEntry, getSelInfo, reserveSel } from "../../../../../agent/ipmi/command/index.js";
import { readLog } from "../../../../../agent/ipmi/event-log/index.js";
import { CarrierDouble } from "../../../../support/ipmi/carrier-double.js";

function bmc(ids: number[], how: { overflow?: boolean; reservation?: boolean } = {}) {
  const double = new CarrierDouble();
  double.answer(getSelInfo, () => ({
    version: 0x51,
    entries: ids.length,
    freeBytes: 0,
    lastAddition: 0,
    lastErase: 0,
    operations: { overflow: how.overflow ?? false, delete: true, partialAdd: false, reserve: true, allocationInfo: false },
  }));
  double.answer(reserveSel, () => ({ reservation: 0x77 }));
  double.answer(getSelEntry, ({ record, reservation }) => {
    if (how.reservation === true && reservation !== 0x77) return { refused: 0xc5 };
    const at = record === 0 ? 0 : record === 0xffff ? ids.length - 1 : ids.indexOf(record);
    const id = ids[at];
    if (id === undefined) return { refused: 0xcb };
    const data = new Uint8Array(16);
    data.set([id & 0xff, id >> 8, 2]);
    return { next: ids[at + 1] ?? 0xffff, data };
  });
  const idsOf = async (limit: number) => (await readLog(double, limit)).records.map((each) => (each[0] ?? 0) | ((each[1] ?? 0) << 8));
  return { double, ids, idsOf };
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);

t.test("an empty log has none, and is not asked for any", async (t) => {
  const { double } = bmc([], { overflow: true });
  t.same(await readLog(double, 10), { count: 0, overflow: true, records: [] });
  t.equal(double.count(getSelEntry), 0);
});

t.test("a log shorter than the limit is read whole", async (t) => {
  t.same(await bmc(range(1, 5)).idsOf(50), range(1, 5));
});

t.test("of a long log only the end is read", async (t) => {
  const { double, idsOf } = bmc(range(1, 3000));
  t.same(await idsOf(3), [2998, 2999, 3000]);
  t.equal(double.count(getSelEntry), 4, "the last, to know its number, and the three");
});

t.test("numbers with holes, and numbers that began again, cost the whole way", async (t) => {
  t.same(await bmc([1, 2, 10, 20, 30, 40]).idsOf(3), [20, 30, 40]);
  t.same(await bmc([...range(900, 1000), ...range(1, 4)]).idsOf(6), [999, 1000, 1, 2, 3, 4]);
  t.same(await bmc([5, 9, 10]).idsOf(2), [9, 10]);
});

t.test("a BMC that wants a reservation gets one", async (t) => {
  const { double, idsOf } = bmc(range(1, 5), { reservation: true });
  t.same(await idsOf(2), [4, 5]);
  t.equal(double.count(reserveSel), 1);
});

t.test("a log that is cleared while it is read is read again", async (t) => {
  const { double, ids, idsOf } = bmc(range(1, 4));
  let asked = 0;
  const before = ids.slice();
  double.answer(getSelEntry, ({ record }) => {
    asked += 1;
    if (asked === 2) ids.splice(0, 4, 9);
    const at = record === 0 ? 0 : ids.indexOf(record);
    const id = ids[at];
    if (id === undefined) return { refused: 0xcb };
    return { next: ids[at + 1] ?? 0xffff, data: Uint8Array.of(id, 0, ...new Uint8Array(14)) };
  });
  t.same(await idsOf(10), [9]);
  t.same(before, range(1, 4));
});

t.test("a log that never holds still is given up", async (t) => {
  const { double } = bmc(range(1, 4));
  double.answer(getSelEntry, () => ({ refused: 0xcb }));
  await t.rejects(readLog(double, 10), { code: "failed", message: /changed 4 times while it was read/ });
});

t.test("a chain that bites its tail ends", async (t) => {
  const { double } = bmc(range(1, 4));
  double.answer(getSelEntry, () => ({ next: 1, data: new Uint8Array(16) }));
  t.equal((await readLog(double, 10)).records.length, 2);
});
