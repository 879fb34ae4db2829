/** Version of labd, as package.json has it. Written here because the bundle for old nodes carries no package.json. */
export const version = "0.1.0";
