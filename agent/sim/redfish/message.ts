/** Requests and replies of a Redfish service, and how it says no (DSP0266, "Error responses"; messages of the Base registry). */

export interface RedfishRequest {
  readonly method: string;
  /** Without query and trailing slash. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Parsed; undefined when there is none or it is not JSON. */
  readonly body: unknown;
}

export interface RedfishReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object goes as JSON, a text as it is. */
  readonly body?: unknown;
}

export function refuse(status: number, id: string, message: string, headers: Readonly<Record<string, string>> = {}): RedfishReply {
  const info = {
    "@odata.type": "#Message.v1_1_1.Message",
    MessageId: `Base.1.8.${id}`,
    Message: message,
    MessageArgs: [],
    MessageSeverity: "Warning",
    Resolution: "None",
  };
  const error = {
    code: "Base.1.8.GeneralError",
    message: "A general error has occurred. See ExtendedInfo for more information.",
    "@Message.ExtendedInfo": [info],
  };
  return { status, headers, body: { error } };
}

export const notFound = (path: string): RedfishReply =>
  refuse(404, "ResourceMissingAtURI", `The resource at the URI ${path} was not found.`);
export const notAllowed = (method: string, allow: readonly string[]): RedfishReply =>
  refuse(405, "OperationNotAllowed", `The HTTP method ${method} is not allowed on this resource.`, { allow: allow.join(", ") });
export const malformed = (): RedfishReply => refuse(400, "MalformedJSON", "The request body submitted was malformed JSON.");
