/** Units of sensors in signs (IPMI v2.0 §43.17). Pure. */

interface Units {
  /** 0 none, 1 per µs … 6 per day. */
  readonly rate: number;
  /** 1 = base / modifier, 2 = base × modifier. */
  readonly modifier: number;
  readonly percentage: boolean;
}

/** "°C", "RPM", "%", "V·A", "bytes/s"; "" when unspecified. */
export function unitText(units: Units, baseUnit: number, modifierUnit: number): string {
  const base = baseUnits[baseUnit] ?? "";
  const other = baseUnits[modifierUnit] ?? "";
  const sign = other === "" ? "" : units.modifier === 1 ? "/" : units.modifier === 2 ? "·" : "";
  const text = `${base}${sign === "" ? "" : sign + other}${rates[units.rate] ?? ""}`;
  return units.percentage ? `%${text === "" ? "" : ` ${text}`}` : text;
}

const rates = ["", "/µs", "/ms", "/s", "/min", "/h", "/d"] as const;

/** By code, from 0. */
const baseUnits = (
  ",°C,°F,K,V,A,W,J,C,VA,nit,lm,lx,cd,kPa,PSI,N,CFM,RPM,Hz,µs,ms,s,min,h,d,weeks,mil,in,ft,in³,ft³,mm,cm,m,cm³,m³,l,fl oz,rad,sr," +
  "revolutions,cycles,g,oz,lb,ft·lb,oz·in,gauss,gilberts,H,mH,F,µF,Ω,S,mol,Bq,ppm,,dB,dBA,dBC,Gy,Sv,K,bits,kbit,Mbit,Gbit,bytes,kB,MB,GB," +
  "words,dwords,qwords,lines,hits,misses,retries,resets,overruns,underruns,collisions,packets,messages,characters,errors," +
  "correctable errors,uncorrectable errors,fatal errors,grams"
).split(",");
