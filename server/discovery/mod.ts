/**
 * DHCP servers that bring phones to us: configurations for Kea, dnsmasq and ISC dhcpd, what is wrong in one that is there,
 * and Kea's control channel as values. Pure. Source: MPP §10, TR-069 §9.
 */
export { addressOfDoors, type DiscoveryDoors, discoverySettings, type DiscoveryWish } from './asked.ts'
export { checkDhcp, checkKeaConfig } from './check.ts'
export { guessDaemon } from './guess.ts'
export { keaFingerprint } from './kea-fingerprint.ts'
export { readKeaLeases } from './kea-leases.ts'
export { mergeKea } from './kea-merge.ts'
export { RESERVATIONS_MAX } from './kea-reservations.ts'
export { DEFAULT_MODELS, KEA_HOOKS } from './wanted.ts'
export type {
  AcsSettings,
  Daemon,
  DiscoveryFile,
  DiscoveryProblem,
  DiscoverySettings,
  DiscoverySubnet,
  DiscoverySubnet6,
  KeaConfig,
  KeaLease,
  KeaReservation,
  NpsOption,
  WrittenDhcp,
} from './types.ts'
export { writeDhcp } from './write.ts'
