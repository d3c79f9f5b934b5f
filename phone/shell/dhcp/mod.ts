/** Real DHCP for virtual phones, on a real network interface. Needs root, or the two capabilities that stand for it. */
export { type DhcpLink, type DhcpLinkOptions, openDhcpLink } from './link.ts'
export type { DhcpGuest, DhcpSeat } from './seat.ts'
