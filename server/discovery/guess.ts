import type { Daemon } from './types.ts'

/** Words that only one of them has, at the beginning of a statement. */
const SIGNS: Readonly<Record<Exclude<Daemon, 'kea'>, RegExp>> = {
  isc: /^[ \t]*(?:subnet6?\s+[0-9a-f.:/]+[^{\n]*\{|(?:shared-network|class|group|host|pool)\b[^{;\n]*\{|(?:option|default-lease-time|max-lease-time|authoritative|if|range|ddns-update-style)\b[^\n]*[;{])/m,
  dnsmasq:
    /^[ \t]*(?:dhcp-[a-z0-9-]+|enable-ra|enable-tftp|tftp-[a-z-]+|interface|listen-address|bind-interfaces|bind-dynamic|port|domain|server|address|log-dhcp|no-resolv|conf-dir|conf-file|pxe-[a-z]+)[ \t]*(?:=|$)/m,
}

/**
 * Whose configuration a text is, by its form.
 * @returns undefined where it has the form of none, or of two
 */
export function guessDaemon(text: string): Daemon | undefined {
  const bare = withoutComments(text)
  if (/^\s*\{/.test(bare) || /"Dhcp[46]"\s*:/.test(bare)) return 'kea'
  const [isIsc, isDnsmasq] = [SIGNS.isc.test(bare), SIGNS.dnsmasq.test(bare)]
  if (isIsc === isDnsmasq) return undefined
  return isIsc ? 'isc' : 'dnsmasq'
}

/** Comments of all three at the beginning of a line, and those of Kea that have lines of their own. */
function withoutComments(text: string): string {
  return text
    .replace(/^\uFEFF/, '')
    .replace(/^[ \t]*(?:#|\/\/).*$/gm, '')
    .replace(/^\s*\/\*[^]*?\*\//, '')
}
