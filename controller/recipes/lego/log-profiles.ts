/** What a serial log of a manager must show by itself, for offline verdicts: by role, for FIT over InfiniBand and over Ethernet. */
import type { Expectation, LogProfile } from "../../deploy/recipe.js";
import {
  allJoined,
  banner,
  cacheSetUp,
  commandLine,
  ethernetPeer,
  ethernetPolls,
  ethernetUp,
  hcaFound,
  hcaWorks,
  lidQueried,
  localId,
  managerUp,
  memoryManagerStarts,
  peerJoined,
  processorsUp,
  programOutput,
  queuePairsBuilt,
  schedulerUp,
  waitsForPeers,
  waitsForSubnetManager,
  workerUp,
} from "./serial-lines.js";

const anyBanner = { ...banner({ release: undefined, withinS: 180 }), claim: "LegoOS runs" };

const infiniband: readonly Expectation[] = [
  hcaFound,
  hcaWorks,
  localId(),
  waitsForSubnetManager,
  lidQueried(),
  queuePairsBuilt(),
  waitsForPeers(10),
  peerJoined,
  allJoined,
];

function profile(role: string, fit: string, expectations: (nonce: string | undefined) => readonly Expectation[]): LogProfile {
  return { role, when: { fit }, expectations: ({ nonce }) => expectations(nonce) };
}

function processor(network: readonly Expectation[]): (nonce: string | undefined) => readonly Expectation[] {
  return (nonce) => [anyBanner, commandLine(), schedulerUp, processorsUp, ...network, cacheSetUp(0), managerUp, programOutput(nonce)];
}

function memory(network: readonly Expectation[]): () => readonly Expectation[] {
  return () => [anyBanner, commandLine(), memoryManagerStarts, schedulerUp, processorsUp, ...network, workerUp, managerUp];
}

/** Over Ethernet the memory manager of 1P-1M reports no connection: it is the processor's that proves the pair. */
export const logProfiles: readonly LogProfile[] = [
  profile("processor", "infiniband", processor(infiniband)),
  profile("memory", "infiniband", memory(infiniband)),
  profile("processor", "ethernet", processor([ethernetUp, ethernetPolls, ethernetPeer(false)])),
  profile("memory", "ethernet", memory([ethernetUp, ethernetPolls, ethernetPeer(true)])),
];
