/** Where a local lab keeps its things, and where the identity is that `lab` presents. */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

export interface LabDirectory {
  readonly path: string;
  readonly controllerState: string;
  readonly simulation: string;
  agentState(name: string): string;
  /** What `lab login` keeps for a lab elsewhere: endpoint.json, key.pem, cert.pem, ca.pem. */
  readonly login: string;
  /** Where to find the controller and who to be: a login if there is one, else the operator of the local controller. */
  client(): { readonly endpointFile: string; readonly identityDirectory: string };
}

/** LAB_DIR, or ~/.lab. */
export function labDirectory(env: NodeJS.ProcessEnv, named?: string): LabDirectory {
  const path = resolve(named ?? env["LAB_DIR"] ?? join(homedir(), ".lab"));
  const login = join(path, "login");
  const controllerState = join(path, "controller");
  return {
    path,
    controllerState,
    simulation: join(path, "sim"),
    agentState: (name) => join(path, "agents", name),
    login,
    client() {
      const endpointFile = join(login, "endpoint.json");
      if (existsSync(endpointFile)) return { endpointFile, identityDirectory: login };
      return { endpointFile: join(controllerState, "endpoint.json"), identityDirectory: join(controllerState, "operator") };
    },
  };
}
