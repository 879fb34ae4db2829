/** What an inventory may say about Redfish, and what it means when it says less. */
import t from "tap";
import { parseLab } from "../../../inventory/load.js";

const parse = (node: string) => parseLab(`lab: l\nagents: { site: { site: true } }\nnodes:\n  n0: ${node}\n`, "lab.yaml");

t.test("beside a BMC everything is the BMC's, and a fingerprint is 64 lower-case digits however it was written", async (t) => {
  const fingerprint = "AB:".repeat(31) + "CD";
  const bmc = "bmc: { address: 10.0.1.10, user: admin, password: { env: P } }";
  t.match(parse(`{ ${bmc}, power: { redfish: { fingerprint: "${fingerprint}" } } }`), {
    lab: {
      nodes: [
        {
          power: {
            kind: "redfish",
            url: "https://10.0.1.10",
            user: "admin",
            password: { env: "P" },
            system: "",
            fingerprint: `${"ab".repeat(31)}cd`,
          },
        },
      ],
    },
  });
});

t.test("http is for the machine of the agent itself, not for what only looks like it", async (t) => {
  const withUrl = (url: string) => parse(`{ power: { redfish: { url: "${url}", user: admin, password: { env: P } } } }`);
  for (const url of ["http://127.0.0.1:8001", "http://localhost", "http://[::1]:8001", "https://10.0.1.10:8443"]) {
    t.match(withUrl(url), { lab: { nodes: [{ power: { url } }] } }, url);
  }
  for (const url of ["http://10.0.1.10", "http://127.0.0.1.example", "http://localhost.example", "http://127.evil"]) {
    t.match(withUrl(url), { problems: [{ message: /would send the password in clear/ }] }, url);
  }
});
