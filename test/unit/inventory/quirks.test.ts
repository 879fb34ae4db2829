import t from "tap";
import { quirkTexts } from "../../../agent/ipmi/quirks.js";
import { bmcQuirks } from "../../../inventory/schema.js";

t.test("an inventory may name exactly the quirks the BMC client knows", async (t) => {
  t.same([...bmcQuirks].sort(), Object.keys(quirkTexts).sort());
});
