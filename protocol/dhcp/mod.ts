/** DHCP for phones, without sockets: the bytes of the options that they use, both directions. MPP §10, TR-069 §9. */
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
export { decodeDomainName, encodeDomainName } from './options/domain-name.ts'
export { decodeHostName, encodeHostName } from './options/host-name.ts'
export { decodeNtpServers, encodeNtpServers } from './options/ntp-servers.ts'
export { OPTION_ADDRESSES_MAX } from './options/option-addresses.ts'
export { OPTION_TEXT_BYTES_MAX } from './options/option-text.ts'
export { decodeProductClass, encodeProductClass, type ProductClass } from './options/product-class.ts'
export { decodeScep, encodeScep, type ScepSettings } from './options/scep.ts'
export { decodeServerName, encodeServerName } from './options/server-name.ts'
export { decodeServerUrl, encodeServerUrl } from './options/server-url.ts'
export { decodeTftpServers, encodeTftpServers } from './options/tftp-servers.ts'
export { decodeVlan, encodeVlan, isVlanOption, VLAN_ID_MAX } from './options/vlan.ts'
export type { DhcpProblem } from './options/vendor-data.ts'
export { bytesToIpv4, ipv4List, ipv4ToBytes, ipv6ToBytes } from './address.ts'
export {
  BROADBAND_FORUM_ENTERPRISE,
  decodeSubOptions,
  DHCP_OPTION,
  DHCPV6_OPTION,
  joinOptionParts,
  PAYLOAD_BYTES_MAX,
  splitOption,
} from './options/vendor-data.ts'
export type { DhcpMessage, DhcpMessageType } from './message.ts'
export {
  decodeDhcpMessage,
  DHCP_CLIENT_PORT,
  DHCP_MESSAGE_BYTES_MAX,
  DHCP_MESSAGE_BYTES_MIN,
  DHCP_SERVER_PORT,
  encodeDhcpMessage,
  peekDhcpReply,
} from './message.ts'
export type { DhcpAsk } from './exchange-send.ts'
export type { DhcpClient, DhcpClientEvent, DhcpOutput, DhcpStep } from './exchange.ts'
export { createDhcpClient, stepDhcp } from './exchange.ts'
export type { DhcpLease } from './exchange-lease.ts'
export type { Dhcpv6Message, Dhcpv6MessageType, Dhcpv6Option } from './message-v6.ts'
export {
  decodeDhcpv6Message,
  decodeDhcpv6Options,
  DHCPV6_CLIENT_PORT,
  DHCPV6_GROUP,
  DHCPV6_MESSAGE_BYTES_MAX,
  DHCPV6_SERVER_PORT,
  duidOfMac,
  encodeDhcpv6Message,
  encodeDhcpv6Options,
  peekDhcpv6Reply,
} from './message-v6.ts'
export type { Dhcpv6Ask } from './exchange-v6-send.ts'
export { DHCPV6_ASKED } from './exchange-v6-send.ts'
export type { Dhcpv6Client, Dhcpv6Output, Dhcpv6Step } from './exchange-v6.ts'
export { createDhcpv6Client, stepDhcpv6 } from './exchange-v6.ts'
export type { Dhcpv6Lease } from './exchange-v6-lease.ts'
export { FOREVER_SECONDS } from './lease-times.ts'
export { CISCO_ENTERPRISE, encodeVendorClassV6 } from './options/vendor-class-v6.ts'
