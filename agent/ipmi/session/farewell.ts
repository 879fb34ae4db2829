/**
 * RAKP 3 was sent and nobody waits for RAKP 4 any more: the BMC may have opened a session, which would take one of its few places for a
 * minute. Its keys are known by then, so it can be closed without ever having been used.
 */
import { closeSession } from "../command/index.js";
import { createSealedPackets, deriveSessionKeys, forgetKeys } from "../crypto/index.js";
import * as wire from "../wire/index.js";
import { suiteOf, userKeyFor, type HandshakePlan, type HandshakeState } from "./handshake.js";

/** The datagram that closes the session the BMC may have by now; undefined when it cannot have one. */
export function farewell(plan: HandshakePlan, state: HandshakeState, random: (length: number) => Uint8Array): Uint8Array | undefined {
  if (state.phase !== "rakp4") return undefined;
  const suite = suiteOf(plan, state);
  const userKey = userKeyFor(plan, suite);
  const { managedSessionId: sessionId } = state.facts;
  const keys = deriveSessionKeys(suite, plan.kg, userKey, state.facts);
  const packets = createSealedPackets(suite, keys, userKey, random);
  const payload = wire.encodeRequest({
    responderAddress: wire.bmcAddress,
    requesterAddress: wire.consoleAddress,
    netFn: closeSession.netFn,
    lun: 0,
    sequence: 0,
    command: closeSession.cmd,
    data: wire.encode(closeSession.request, { sessionId }),
  });
  const datagram = packets.seal({ payloadType: wire.payloadType.ipmi, sessionId, sequence: 1, payload });
  packets.forget();
  forgetKeys(keys);
  return datagram;
}
