import { isIPv4 } from 'node:net'

import { concatBytes, hexToBytes } from '../../protocol/bytes.ts'
import {
  BROADBAND_FORUM_ENTERPRISE,
  decodeScep,
  encodeAcsOption17,
  encodeAcsOption43,
  encodeForumOption125,
  isVlanOption,
} from '../../protocol/dhcp/mod.ts'
import type { AcsDiscovery, DhcpProblem } from '../../protocol/dhcp/mod.ts'
import { MODELS } from '../../protocol/profile/mod.ts'
import { err, ok } from '../../protocol/result.ts'
import type { Result } from '../../protocol/result.ts'
import { isHostName, isPlainIPv6 } from './hosts.ts'
import { OPTION_BYTES_MAX, tooLong } from './parts.ts'
import type { Part, Wanted, WantedOption } from './parts.ts'
import { discoveryProblem, shown, shownUrl } from './problem.ts'
import { checkSubnets } from './subnets.ts'
import type { DiscoveryProblem, DiscoverySettings } from './types.ts'
import { wantedServers } from './wanted-servers.ts'

/** Product names of all phones that we know, and of the ATAs in the words of their option 60 [MPP §10.2, §13.1]. */
export const DEFAULT_MODELS: readonly string[] = [
  ...MODELS.map((model) => model.productName),
  'CISCO ATA191-MPP',
  'CISCO ATA192-MPP',
]

/** Where Debian on amd64 puts Kea's hook libraries. */
export const KEA_HOOKS = '/usr/lib/x86_64-linux-gnu/kea/hooks'

/** Most product names: many times what there is. */
export const MODELS_MAX = 100

/** @returns the options that the settings come to, or everything that is wrong with them. Codes: see {@link writeDhcp}. */
export function wantedOptions(
  settings: DiscoverySettings,
  empty: 'refused' | 'allowed' = 'refused',
): Result<Wanted, readonly DiscoveryProblem[]> {
  const parts = [
    checkServer(settings),
    wantedServers(settings),
    wantedAcs(settings),
    wantedVlan(settings),
    checkModels(settings),
    checkHooks(settings),
    checkSubnets(settings),
  ]
  const problems = parts.flatMap((part) => part.problems)
  if (problems.length > 0) return err(problems)
  const options = parts.flatMap((part) => part.options)
  if (options.length === 0 && empty === 'refused') {
    return err([
      discoveryProblem(
        'nothing-to-say',
        'settings',
        'Cannot write a configuration that tells the phones nothing',
        'name options in nps.options, an ACS, a gateway, SCEP or a voice VLAN',
      ),
    ])
  }
  return ok({
    options,
    models: [...new Set(settings.models)],
    settings,
    hooks: settings.keaHooks ?? KEA_HOOKS,
    notes: [...new Set(parts.flatMap((part) => part.notes))],
  })
}

function checkServer({ server }: DiscoverySettings): Part {
  const problems: DiscoveryProblem[] = []
  if (!isIPv4(server.address)) {
    problems.push(
      discoveryProblem(
        'bad-address',
        'server.address',
        `Cannot use ${shown(server.address)} as the server's address: expected an IPv4 address such as 192.0.2.1`,
        'give the address at which the phones reach this server',
      ),
    )
  }
  if (server.addressV6 !== undefined && !isPlainIPv6(server.addressV6)) {
    problems.push(
      discoveryProblem(
        'bad-address',
        'server.addressV6',
        `Cannot use ${shown(server.addressV6)} as the server's IPv6 address: expected one without brackets, such as 2001:db8::1`,
        'give the address at which the phones reach this server, or leave it out',
      ),
    )
  }
  if (server.host !== undefined && !isHostName(server.host)) {
    problems.push(
      discoveryProblem(
        'bad-host',
        'server.host',
        `Cannot use ${shown(server.host)} as a DNS name: expected letters, digits, hyphens and dots, without white space`,
        'give a name that the phones can resolve, or leave it out',
      ),
    )
  }
  return { options: [], problems, notes: [] }
}

function wantedAcs(settings: DiscoverySettings): Part {
  const { acs, gateway, scep } = settings
  const problems: DiscoveryProblem[] = []
  const options: WantedOption[] = []
  const add = (
    place: string,
    targets: readonly Omit<WantedOption, 'value'>[],
    made: Result<Uint8Array, DhcpProblem>,
  ) => {
    if (!made.ok) {
      problems.push(discoveryProblem(`bad-${place}`, place, made.error.message, 'correct or shorten the value'))
    } else if (made.value.length > OPTION_BYTES_MAX) {
      problems.push(tooLong(place, made.value.length))
    } else {
      options.push(...targets.map((target) => ({ ...target, value: { kind: 'bytes', bytes: made.value } as const })))
    }
  }
  const told = acs === undefined ? undefined : acsDiscovery(acs)
  if (acs !== undefined && !/^https:\/\//i.test(acs.url)) problems.push(notTls(acs.url))
  const association = gateway && {
    oui: gateway.oui,
    serialNumber: gateway.serial,
    productClass: gateway.productClass,
  }
  const scepBytes = readScep(settings, problems)
  if (told !== undefined) {
    const of43 = encodeAcsOption43(told)
    add('acs', [{ family: 4, code: 43, to: 'acs-60' }], of43.ok ? ok(concatBytes([of43.value, scepBytes])) : of43)
    if (settings.ipv6) {
      const targets = (['acs-60', 'phones'] as const).map((to) => ({ family: 6 as const, code: 17, to }))
      add('acs', targets, encodeAcsOption17(told))
    }
  }
  if (scep !== undefined && scepBytes.length > 0) add('scep', [{ family: 4, code: 43, to: 'phones' }], ok(scepBytes))
  const sent125 = { device: undefined, gateway: association, acs: told }
  if (told !== undefined || association !== undefined) {
    add(association ? 'gateway' : 'acs', [{ family: 4, code: 125, to: 'acs-124' }], encodeForumOption125(sent125))
  }
  if (association !== undefined) {
    const targets = (['acs-60', 'phones'] as const).map((to) => ({ family: 4 as const, code: 125, to }))
    add('gateway', targets, encodeForumOption125({ ...sent125, acs: undefined }))
  }
  return { options, problems: once(problems), notes: acsNotes(settings) }
}

function acsNotes(settings: DiscoverySettings): readonly string[] {
  const notes: string[] = []
  if (settings.acs !== undefined) {
    notes.push(
      `Every device that asks for an ACS ("dslforum.org" in option 60, or enterprise ${BROADBAND_FORUM_ENTERPRISE} in option 124) is told ours, whoever made it.`,
    )
    notes.push('A phone asks for an ACS only with Enable_TR-069 and TR-069_DHCPOption_Init set to Yes.')
    if (settings.ipv6) {
      notes.push('In DHCPv6 a phone is known by option 16 only: one that sends none is given nothing.')
    }
  }
  if (settings.scep !== undefined) notes.push('SCEP by option 43 works with factory-reset phones only.')
  return notes
}

function acsDiscovery(acs: NonNullable<DiscoverySettings['acs']>): AcsDiscovery {
  return {
    url: acs.url,
    provisioningCode: acs.provisioningCode,
    retryMinimumWait: acs.retryMinimumSeconds?.toString(),
    retryMultiplier: acs.retryMultiplier?.toString(),
  }
}

function notTls(url: string): DiscoveryProblem {
  return discoveryProblem(
    'acs-not-tls',
    'acs.url',
    `Cannot send ${shownUrl(url)} as the ACS: expected a URL that begins with https://`,
    'name the TLS port of the ACS: DHCP can be forged by anybody on the network, and a password in clear be read',
  )
}

function readScep({ scep, nps }: DiscoverySettings, problems: DiscoveryProblem[]): Uint8Array {
  if (scep === undefined) return new Uint8Array(0)
  if (nps.options.length > 0) {
    problems.push(
      discoveryProblem(
        'scep-with-nps',
        'scep',
        `Cannot send SCEP together with option ${nps.options.join(', ')}: the phones do not take both`,
        'leave nps.options empty until the certificates are installed',
      ),
    )
  }
  const bytes = hexToBytes(scep)
  const read = bytes === undefined ? undefined : decodeScep(bytes)
  // The value holds a password: nothing of it is shown.
  if (bytes !== undefined && read?.ok === true && read.value !== undefined) return bytes
  problems.push(
    discoveryProblem(
      'bad-scep',
      'scep',
      'Cannot read the SCEP data: expected the payload of option 43 in hex, with sub-options 10 to 15',
      'make it from URL, fingerprint and challenge password anew',
    ),
  )
  return new Uint8Array(0)
}

function wantedVlan({ voiceVlan }: DiscoverySettings): Part {
  if (voiceVlan === undefined) return { options: [], problems: [], notes: [] }
  const { option, id } = voiceVlan
  const problems: DiscoveryProblem[] = []
  if (!isVlanOption(option)) {
    problems.push(
      discoveryProblem(
        'vlan-option',
        'voiceVlan.option',
        `Cannot send the voice VLAN in option "${option}": expected 128 to 149, 151 to 158 or 161 to 254`,
        'use 132, and name the same number in DHCP_VLAN_Option of the profile',
      ),
    )
  }
  if (!Number.isInteger(id) || id < 1 || id > 4094) {
    problems.push(
      discoveryProblem(
        'vlan-id',
        'voiceVlan.id',
        `Cannot send "${id}" as the voice VLAN: expected a whole number of 1 to 4094`,
        'give the number of the VLAN as the switch has it',
      ),
    )
  }
  const value = { kind: 'text', text: String(id) } as const
  return {
    options: [{ family: 4, code: option, to: 'phones', value }],
    problems,
    notes: [`The phones take the voice VLAN from option ${option} only if DHCP_VLAN_Option names it.`],
  }
}

function checkModels({ models }: DiscoverySettings): Part {
  const problems: DiscoveryProblem[] = []
  if (models.length === 0 || models.length > MODELS_MAX) {
    problems.push(
      discoveryProblem(
        'models',
        'models',
        `Cannot tell the phones by ${models.length} product names: expected 1 to ${MODELS_MAX}`,
        'name the models as their option 60 does, e.g. CP-8851-3PCC',
      ),
    )
  }
  for (const [index, model] of models.slice(0, MODELS_MAX).entries()) {
    // Short texts would be found in the classes of other makers, too.
    if (/^[A-Z0-9][A-Z0-9 -]{5,38}[A-Z0-9]$/i.test(model)) continue
    problems.push(
      discoveryProblem(
        'bad-model',
        `models[${index}]`,
        `Cannot tell phones by ${shown(model)}: expected 7 to 40 letters, digits, hyphens and spaces`,
        'name the model as its option 60 does, e.g. CP-8851-3PCC',
      ),
    )
  }
  return { options: [], problems, notes: [] }
}

function checkHooks({ keaHooks }: DiscoverySettings): Part {
  if (keaHooks === undefined || /^\/[\w./+-]{1,200}$/.test(keaHooks)) return { options: [], problems: [], notes: [] }
  const advice = 'give the folder that holds libdhcp_flex_option.so, or leave it out'
  const message = `Cannot use ${shown(keaHooks)} as the folder of Kea's hook libraries: expected an absolute path`
  return { options: [], problems: [discoveryProblem('bad-hooks', 'keaHooks', message, advice)], notes: [] }
}

/** One bad value is refused by each option that would hold it: it is told once. */
function once(problems: readonly DiscoveryProblem[]): readonly DiscoveryProblem[] {
  const seen = new Set<string>()
  return problems.filter(({ code, message }) => {
    const key = `${code} ${message}`
    return seen.has(key) ? false : seen.add(key) !== undefined
  })
}
