/** Which provisioning server the lease names. Source: MPP §10.1. */
import { expandMacros } from '../../protocol/rule/mod.ts'
import { macroLookup } from './macros.ts'
import { parameterText } from './parameters.ts'
import type { Agent } from './types.ts'

/** The options that name a server for profiles; 60, 43 and 125 serve TR-069 and SCEP (MPP §10.1). */
const SERVER_OPTIONS = [66, 160, 159, 150]
const SERVER_CHARS_MAX = 1024

/** @returns the texts of all usable options, in the order of DHCP_Option_To_Use. */
export function dhcpServers(agent: Agent): readonly string[] {
  const { lease } = agent.ram
  if (lease === undefined) return []
  return parameterText(agent, 'DHCP_Option_To_Use')
    .split(',')
    .map((code) => Number(code.trim()))
    .filter((code, index, codes) => SERVER_OPTIONS.includes(code) && codes.indexOf(code) === index)
    .map((code) => serverText(code, lease.options.get(code)))
    .filter((text) => text !== '')
}

/**
 * The server that stands in for a missing one in profile rules, with its macros put in; the first usable option of the
 * lease (or a later one, by policy), else the one found by DNS SRV. undefined: none is known.
 */
export function learnedServer(agent: Agent): string | undefined {
  const servers = dhcpServers(agent)
  const text = servers[Math.min(agent.ram.dhcpIndex, servers.length - 1)] ?? agent.ram.srvServer
  return text === undefined ? undefined : expandMacros(text, macroLookup(agent, agent.ram.bootedAt)).text
}

function serverText(code: number, value: string | Uint8Array | undefined): string {
  if (value === undefined) return ''
  if (code === 150 && typeof value !== 'string') return value.length < 4 ? '' : [...value.subarray(0, 4)].join('.')
  const text = typeof value === 'string' ? value : String.fromCharCode(...value.subarray(0, SERVER_CHARS_MAX))
  return text.replaceAll('\u0000', '').trim().slice(0, SERVER_CHARS_MAX)
}
