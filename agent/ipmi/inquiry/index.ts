/** What a BMC can be asked about itself. Imports command, sensors, event-log. */
export { readClock, readSessions } from "./condition.js";
export { type Identity, identityOf, readGuid, readIdentity } from "./identity.js";
export { readSolConfiguration, type SolConfiguration } from "./sol-configuration.js";
export { privilegeText, readUsers, type User } from "./users.js";
