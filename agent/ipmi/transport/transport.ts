/** Datagrams to and from one BMC. Everything above this line can run against a network that is not there. */

export interface Remote {
  /** Name or address. */
  readonly address: string;
  /** UDP port. */
  readonly port: number;
}

export interface RouteListener {
  /** A datagram from this remote. The bytes may be kept. */
  received(datagram: Uint8Array): void;
  /** The operating system refused to send; the datagram is lost like any other. Told until the remote has been heard. */
  sendFailed(error: Error): void;
}

export interface Route {
  /** Sends and forgets: loss is normal. */
  send(datagram: Uint8Array): void;
  /** Nothing arrives afterwards. Idempotent. */
  close(): void;
}

export interface Transport {
  /** A way to `remote`. Throws UnreachableError when its name does not resolve or no socket can be opened. */
  open(remote: Remote, listener: RouteListener): Promise<Route>;
  /** Closes every route. Idempotent. */
  close(): Promise<void>;
}
