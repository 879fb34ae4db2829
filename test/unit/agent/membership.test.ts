import t, { type Test } from "tap";
import { Membership } from "../../../agent/membership.js";
import { authorize } from "../../../controller/api/authorization.js";
import { createEnrollmentService } from "../../../controller/api/enrollment-service.js";
import { Authority, certificateLifeMs } from "../../../controller/identity/authority.js";
import { Enrollment } from "../../../controller/identity/enrollment.js";
import { JoinTokens } from "../../../controller/identity/join-tokens.js";
import { systemClock, type Clock } from "../../../proto/base/clock.js";
import { silentLogger } from "../../../proto/base/logger.js";
import { EnrollmentServiceService } from "../../../proto/gen/lab/v1/enrollment.js";
import { joinLab } from "../../../proto/rpc/join.js";
import { addService } from "../../../proto/rpc/server.js";
import { openLabPort } from "../../support/rpc/lab-port.js";

/** A wall clock that is off by so much. */
const shifted = (byMs: number): Clock => ({ ...systemClock, now: () => systemClock.now() + byMs });

async function labThatAdmits(t: Test) {
  const directory = t.testdir();
  const tokens = await JoinTokens.open(`${directory}/tokens.json`, { clock: systemClock });
  const enrollment = new Enrollment(await Authority.open(directory, { clock: systemClock, lab: "test" }), tokens);
  const lab = await openLabPort(directory, {
    services: (server) => addService(server, EnrollmentServiceService, createEnrollmentService(enrollment), { authorize }),
  });
  t.teardown(() => lab.close());
  const token = async () => (await enrollment.createToken({ name: "p0", role: "agent" })).token;
  const spentToken = async () => {
    const spent = await token();
    await joinLab(lab.address, spent, { clock: systemClock });
    return spent;
  };
  const open = (joinToken: string | undefined, clock: Clock = systemClock) =>
    Membership.open({
      directory: `${directory}/identity`,
      name: "p0",
      controller: lab.address,
      joinToken,
      clock,
      log: silentLogger,
      signal: new AbortController().signal,
    });
  return { token, spentToken, open };
}

t.test("a membership that is in force is kept, token or not", async (t) => {
  const lab = await labThatAdmits(t);
  const { identity } = await lab.open(await lab.token());
  t.same((await lab.open(undefined)).identity, identity);
  t.same((await lab.open(await lab.token())).identity, identity);
});

t.test("an agent whose certificate has expired joins again for a new token, and goes on as it is without", async (t) => {
  const lab = await labThatAdmits(t);
  const { identity } = await lab.open(await lab.token());
  const later = shifted(certificateLifeMs + 1000);
  t.same((await lab.open(undefined, later)).identity, identity);
  t.same((await lab.open(await lab.spentToken(), later)).identity, identity, "a token that is refused ends nothing");
  const rejoined = await lab.open(await lab.token(), later);
  t.not(rejoined.identity.certificatePem, identity.certificatePem);
  t.same((await lab.open(undefined)).identity, rejoined.identity);
});
