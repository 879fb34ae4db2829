/** What a BMC tells of itself. */
import t from "tap";
import {
  getChannelAccess,
  getDeviceId,
  getSelTime,
  getSessionInfo,
  getSystemGuid,
  getUserAccess,
  getUserName,
} from "../../../../agent/ipmi/command/index.js";
import {
  identityOf,
  privilegeText,
  readClock,
  readGuid,
  readIdentity,
  readSessions,
  readUsers,
} from "../../../../agent/ipmi/inquiry/index.js";
import { CarrierDouble } from "../../../support/ipmi/carrier-double.js";

const device = {
  deviceId: 0x20,
  device: { providesSdrs: false, revision: 1 },
  firmware: { updating: false, major: 2 },
  firmwareMinor: 0x41,
  ipmiVersion: 0x02,
  support: 0xbf,
  manufacturerId: 674,
  productId: 0x100,
  auxiliaryFirmware: undefined,
};

t.test("numbers of device and maker are told as people write them", async (t) => {
  const double = new CarrierDouble();
  double.answer(getDeviceId, () => device);
  double.answer(getSystemGuid, () => ({ guid: Uint8Array.from({ length: 16 }, (_, n) => n) }));
  t.same(await readIdentity(double), {
    manufacturer: "674 (Dell)",
    product: "0100",
    firmware: "2.41",
    ipmiVersion: "2.0",
    updating: false,
  });
  t.equal(await readGuid(double), "000102030405060708090a0b0c0d0e0f");
  t.match(identityOf({ ...device, firmwareMinor: 0x05, ipmiVersion: 0x51, manufacturerId: 4753 }), {
    firmware: "2.05",
    ipmiVersion: "1.5",
    manufacturer: "4753",
  });
  t.equal(identityOf({ ...device, manufacturerId: 0 }).manufacturer, "");
});

t.test("users are told who have a name or may log in without one", async (t) => {
  const double = new CarrierDouble();
  const slots = [
    { name: "", privilege: 15, messaging: false, status: 0 },
    { name: "root", privilege: 4, messaging: true, status: 1 },
    { name: "guest", privilege: 2, messaging: true, status: 2 },
    { name: "nobody", privilege: 15, messaging: true, status: 1 },
    undefined,
    { name: "", privilege: 3, messaging: true, status: 0 },
  ];
  double.answer(getUserAccess, ({ channel, user }) => {
    t.equal(channel.number, 0x0e);
    const { privilege, messaging, status } = slots[user.id - 1] ?? { privilege: 15, messaging: false, status: 2 };
    return {
      slots: { count: slots.length },
      enabled: { status, count: 3 },
      fixedNames: { count: 1 },
      access: { callbackOnly: false, linkAuthentication: false, messaging, privilege },
    };
  });
  double.answer(getUserName, ({ user }) => {
    const slot = slots[user.id - 1];
    return slot === undefined ? { refused: 0xcc } : { name: Buffer.from(slot.name.padEnd(16, "\0")) };
  });
  t.same(await readUsers(double), [
    { id: 2, name: "root", privilege: "administrator", enabled: true },
    { id: 3, name: "guest", privilege: "user", enabled: false },
    { id: 4, name: "nobody", privilege: "no access", enabled: false },
    { id: 6, name: "", privilege: "operator", enabled: true },
  ]);
  t.equal(double.count(getChannelAccess), 0);
  t.equal(privilegeText(9), "privilege 9");
});

t.test("a clock that was never set is 0, and sessions are counted", async (t) => {
  const double = new CarrierDouble();
  let seconds = 0x5e0be100;
  double.answer(getSelTime, () => ({ seconds }));
  double.answer(getSessionInfo, () => ({ handle: 1, possibleSessions: 4, activeSessions: 2, session: undefined }));
  t.equal(await readClock(double), 0x5e0be100 * 1000);
  seconds = 1234;
  t.equal(await readClock(double), 0);
  t.same(await readSessions(double), { active: 2, possible: 4 });
});
