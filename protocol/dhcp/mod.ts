/** TR-069 discovery in DHCP: the bytes of options 43, 60, 124 and 125, and of 17 in DHCPv6, both directions, without sockets. TR-069 §9. */
export type { AcsDiscovery } from './options/acs-discovery.ts'
export {
  ACS_URL_BYTES_MAX,
  decodeAcsOption125,
  decodeAcsOption43,
  encodeAcsOption125,
  encodeAcsOption43,
  PROVISIONING_CODE_BYTES_MAX,
  RETRY_DIGITS_MAX,
} from './options/acs-discovery.ts'
export type { VendorClass } from './options/vendor-class.ts'
export {
  ACS_VENDOR_CLASS,
  decodeVendorClass124,
  decodeVendorClass60,
  encodeVendorClass124,
  encodeVendorClass60,
} from './options/vendor-class.ts'
export type { GatewayAssociation, Identity } from './options/gateway-identity.ts'
export {
  decodeGatewayOption125,
  encodeDeviceOption125,
  encodeGatewayOption125,
  IDENTITY_TEXT_BYTES_MAX,
} from './options/gateway-identity.ts'
export type { ForumOption } from './options/forum-option.ts'
export { decodeForumOption125, encodeForumOption125 } from './options/forum-option.ts'
export { decodeAcsOption17, encodeAcsOption17 } from './options/acs-discovery-v6.ts'
export type { DhcpProblem } from './options/vendor-data.ts'
export {
  BROADBAND_FORUM_ENTERPRISE,
  DHCP_OPTION,
  DHCPV6_OPTION,
  joinOptionParts,
  PAYLOAD_BYTES_MAX,
  splitOption,
} from './options/vendor-data.ts'
