import t from "tap";
import { quirkNames } from "../../../agent/ipmi/quirks.js";
import { bmcQuirks } from "../../../inventory/schema.js";

t.test("an inventory may name exactly the quirks the BMC client knows", async (t) => {
  t.same([...bmcQuirks], quirkNames);
});
