/** Who is at the other end of a connection, as its certificate says. */
import { X509Certificate } from "node:crypto";

export const peerRoles = ["agent", "operator"] as const;
export type PeerRole = (typeof peerRoles)[number];

/** CN and O of a certificate this lab's CA signed. */
export interface Peer {
  /** An agent's name in the inventory, or a person's. */
  readonly name: string;
  readonly role: PeerRole;
}

/**
 * The name every client checks in the controller's certificate, whatever address it dialled: only the controller's certificate
 * carries it, and the pinned CA signs nothing else for servers. So addresses may change without new certificates.
 */
export const controllerName = "lab-controller";

interface SubjectHolder {
  readonly subject?: { readonly CN?: unknown; readonly O?: unknown };
}

/** The peer a certificate names; undefined when it is not one of this lab's. The caller has verified the certificate. */
export function peerOf(certificate: SubjectHolder | undefined): Peer | undefined {
  const { CN: name, O: organization } = certificate?.subject ?? {};
  const role = peerRoles.find((each) => each === organization);
  return typeof name === "string" && name !== "" && role !== undefined ? { name, role } : undefined;
}

/** Name, role and life of a certificate on disk. Throws the crypto error of a malformed PEM. */
export function describeCertificate(pem: string): { peer: Peer | undefined; fromMs: number; untilMs: number } {
  const certificate = new X509Certificate(pem);
  return {
    peer: peerOf({ subject: subjectOf(certificate) }),
    fromMs: Date.parse(certificate.validFrom),
    untilMs: Date.parse(certificate.validTo),
  };
}

/** Attributes of the subject, one "NAME=value" a line. (Only newer Nodes than 16 give them as an object.) */
function subjectOf(certificate: X509Certificate): Record<string, string> {
  return Object.fromEntries(
    certificate.subject.split("\n").map((line) => {
      const equals = line.indexOf("=");
      return [line.slice(0, equals), line.slice(equals + 1)];
    }),
  );
}
