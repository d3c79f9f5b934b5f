/** What the status pages tell of the network and of what DHCP gave. No password is among it. Source: MPP §7.4, §10. */
import { bytesToHex } from '../../protocol/bytes.ts'
import { currentServer } from './dhcp.ts'
import { hostName } from './dhcp-ask.ts'
import { leaseVlan } from './dhcp-network.ts'
import { hideStored, maskText } from './mask.ts'
import { parameterText } from './parameters.ts'
import { leaseScep } from './scep.ts'
import type { Agent } from './types.ts'

/** One line of a page. */
export interface NetworkRow {
  readonly label: string
  readonly value: string
}

/** The section of the Info page about the network; empty values while there is no lease. */
export function networkRows(agent: Agent): readonly NetworkRow[] {
  const { lease } = agent.ram
  const vlan = leaseVlan(agent)
  const server = currentServer(agent)
  const [first = '', second = ''] = lease?.dnsServers ?? []
  const from = server === undefined ? '' : ` (option ${server.option}${server.family === 'v6' ? ' of DHCPv6' : ''})`
  return [
    { label: 'Connection Type', value: parameterText(agent, 'Connection_Type') },
    { label: 'Host Name', value: hostName(agent) },
    { label: 'Domain', value: lease?.domain ?? '' },
    { label: 'Current Gateway', value: lease?.gateway ?? '' },
    { label: 'Primary DNS', value: first },
    { label: 'Secondary DNS', value: second },
    { label: 'DHCP Server', value: lease?.server ?? '' },
    { label: 'Voice VLAN ID', value: vlan?.ok === true ? String(vlan.value) : '' },
    {
      label: 'Provisioning Server',
      value: server === undefined ? '' : `${hideStored(agent, maskText(server.base))}${from}`,
    },
  ]
}

/** The section about SCEP; empty unless DHCP names such a server to a factory-reset phone (MPP §10.4). */
export function scepRows(agent: Agent): readonly NetworkRow[] {
  const scep = leaseScep(agent)
  if (scep?.ok !== true || scep.value === undefined) return []
  const { url, fingerprint, challenge, fips, dot1x, customCertificate } = scep.value
  return [
    { label: 'SCEP Server', value: maskText(url ?? '') },
    { label: 'Root CA Fingerprint', value: fingerprint === undefined ? '' : bytesToHex(fingerprint).toUpperCase() },
    { label: 'Challenge Password', value: challenge === undefined ? 'Not Set' : 'Set' },
    { label: 'FIPS Mode', value: fips ? 'Enabled' : 'Disabled' },
    { label: '802.1X', value: dot1x ? 'Enabled' : 'Disabled' },
    { label: 'Certificate Select', value: customCertificate ? 'Custom installed' : 'Manufacturing installed' },
  ]
}
