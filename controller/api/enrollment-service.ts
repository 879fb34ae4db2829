/** EnrollmentService: tokens and certificates for agents and people. */
import { AuthenticationError, InvalidArgumentError } from "../../proto/base/errors.js";
import type { EnrollmentServiceService, JoinResponse } from "../../proto/gen/lab/v1/enrollment.js";
import { peerRoles } from "../../proto/rpc/peer.js";
import type { Implementation } from "../../proto/rpc/service.js";
import type { Certificate, Enrollment } from "../identity/enrollment.js";

export function createEnrollmentService(enrollment: Enrollment): Implementation<typeof EnrollmentServiceService> {
  return {
    async createToken({ kind, name, ttlMs }) {
      const role = peerRoles.find((each) => each === kind);
      if (role === undefined) throw new InvalidArgumentError(`join token: kind "${kind}"; expected ${peerRoles.join(" or ")}`);
      const made = await enrollment.createToken({ name, role }, ttlMs === 0n ? undefined : Number(ttlMs));
      return { token: made.token, expiresMs: BigInt(made.expiresMs) };
    },
    async join(request) {
      return toResponse(await enrollment.join(request.token, request));
    },
    async renew(request, { peer }) {
      if (peer === undefined) throw new AuthenticationError("renew: only the holder of a valid certificate can renew it");
      return toResponse(await enrollment.renew(peer, request));
    },
  };
}

function toResponse({ expiresMs, ...certificate }: Certificate): JoinResponse {
  return { ...certificate, expiresMs: BigInt(Math.floor(expiresMs)) };
}
