/** Who made a BMC: IANA private enterprise numbers. Pure. */

/** "674 (Dell)"; the number alone where the name is not known here, "" for 0: not said. */
export function manufacturerText(id: number): string {
  if (id === 0) return "";
  const name = manufacturers[id];
  return name === undefined ? String(id) : `${id} (${name})`;
}

/** Those that make BMCs, as IANA lists them (https://www.iana.org/assignments/enterprise-numbers). */
const manufacturers: Readonly<Record<number, string>> = {
  2: "IBM",
  11: "HP",
  42: "Sun",
  107: "Bull",
  119: "NEC",
  343: "Intel",
  674: "Dell",
  2011: "Huawei",
  2623: "ASUS",
  5703: "NVIDIA",
  5771: "Cisco",
  6653: "Tyan",
  7154: "IPMI forum",
  7244: "Quanta",
  10297: "Advantech",
  10368: "Fujitsu",
  10418: "Avocent",
  10437: "Peppercon",
  10876: "Supermicro",
  13742: "Raritan",
  15000: "Kontron",
  15370: "Gigabyte",
  19046: "Lenovo",
  20301: "IBM",
  20974: "AMI",
  22238: "Foxconn",
  25506: "H3C",
  37945: "Inspur",
  40092: "Wiwynn",
  40981: "Facebook",
  47196: "HPE",
  47488: "Supermicro",
  49769: "YADRO",
  49871: "OpenBMC",
};
