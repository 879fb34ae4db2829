/** /redfish/v1/Chassis and /redfish/v1/Managers: sensors and the BMC itself. */
import type { Computer } from "./computer.js";
import { collection, type Json, link, type Routes } from "./route.js";
import { systemOne } from "./system-resource.js";

const chassisOne = "/redfish/v1/Chassis/1";
const managerOne = "/redfish/v1/Managers/1";
const ok = { State: "Enabled", Health: "OK" };

export function chassisRoutes(computer: Computer): Routes {
  return {
    "/redfish/v1/Chassis": { get: () => collection("/redfish/v1/Chassis", "ChassisCollection.ChassisCollection", "Chassis", [chassisOne]) },
    [chassisOne]: {
      get: () => ({
        "@odata.id": chassisOne,
        "@odata.type": "#Chassis.v1_14_0.Chassis",
        Id: "1",
        Name: "Chassis",
        ChassisType: "RackMount",
        PowerState: computer.on ? "On" : "Off",
        Status: ok,
        Thermal: link(`${chassisOne}/Thermal`),
        Power: link(`${chassisOne}/Power`),
        Links: { ComputerSystems: [link(systemOne)], ManagedBy: [link(managerOne)] },
      }),
    },
    [`${chassisOne}/Thermal`]: { get: () => thermal(computer.on) },
    [`${chassisOne}/Power`]: { get: () => power(computer.on) },
    "/redfish/v1/Managers": {
      get: () => collection("/redfish/v1/Managers", "ManagerCollection.ManagerCollection", "Managers", [managerOne]),
    },
    [managerOne]: {
      get: () => ({
        "@odata.id": managerOne,
        "@odata.type": "#Manager.v1_10_0.Manager",
        Id: "1",
        Name: "Manager",
        ManagerType: "BMC",
        Manufacturer: "labd",
        Model: "Simulated BMC",
        FirmwareVersion: "1.0",
        Status: ok,
        Links: { ManagerForServers: [link(systemOne)], ManagerForChassis: [link(chassisOne)] },
      }),
    },
  };
}

function thermal(on: boolean): Json {
  const temperature = (id: string, name: string, celsius: number | null) => ({
    "@odata.id": `${chassisOne}/Thermal#/Temperatures/${id}`,
    MemberId: id,
    Name: name,
    ReadingCelsius: celsius,
    UpperThresholdCritical: 95,
    Status: celsius === null ? { State: "UnavailableOffline", Health: null } : ok,
  });
  const fan = { "@odata.id": `${chassisOne}/Thermal#/Fans/0`, MemberId: "0", Name: "Fan 1", ReadingUnits: "RPM", Status: ok };
  return {
    "@odata.id": `${chassisOne}/Thermal`,
    "@odata.type": "#Thermal.v1_6_2.Thermal",
    Id: "Thermal",
    Name: "Thermal",
    Temperatures: [temperature("0", "Inlet", 22), temperature("1", "CPU 1", on ? 48 : null)],
    Fans: [{ ...fan, Reading: on ? 5400 : 0 }],
  };
}

function power(on: boolean): Json {
  const part = (kind: string, name: string) => ({ "@odata.id": `${chassisOne}/Power#/${kind}/0`, MemberId: "0", Name: name, Status: ok });
  return {
    "@odata.id": `${chassisOne}/Power`,
    "@odata.type": "#Power.v1_6_1.Power",
    Id: "Power",
    Name: "Power",
    PowerControl: [{ ...part("PowerControl", "System power"), PowerConsumedWatts: on ? 210 : 6 }],
    Voltages: [{ ...part("Voltages", "12 V"), ReadingVolts: 12.1, UpperThresholdCritical: 13.2, LowerThresholdCritical: 10.8 }],
    PowerSupplies: [{ ...part("PowerSupplies", "Supply 1"), LastPowerOutputWatts: on ? 195 : 3 }],
  };
}
