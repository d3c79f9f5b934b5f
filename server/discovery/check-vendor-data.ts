import {
  decodeAcsOption17,
  decodeAcsOption43,
  decodeForumOption125,
  decodeScep,
  decodeSubOptions,
  PROVISIONING_CODE_BYTES_MAX,
} from '../../protocol/dhcp/mod.ts'
import type { AcsDiscovery } from '../../protocol/dhcp/mod.ts'
import { isServerOption, textOf } from './check-servers.ts'
import { placeOf, problemAt as at } from './found.ts'
import type { Found, FoundOption, FoundSubOption } from './found.ts'
import { OPTION_BYTES_MAX } from './parts.ts'
import { shownUrl } from './problem.ts'
import type { DiscoveryProblem } from './types.ts'

/** Sub-options of SCEP [MPP §10.4]. */
const SCEP_FIRST = 10
const SCEP_LAST = 15

/** Judges options 43 and 125, and 17 of DHCPv6, whole or in parts. Codes: see {@link checkDhcp}. */
export function judgeVendorData(found: Found): readonly DiscoveryProblem[] {
  const options = found.options.filter((option) => option.audience !== 'others')
  const subOptions = found.subOptions.filter((option) => option.audience !== 'others')
  return [
    ...options.flatMap(judgeWhole),
    ...subOptions.flatMap(judgeSubOption),
    ...judgeTotals(subOptions),
    ...judgeScep(options, subOptions),
  ]
}

function judgeWhole(option: FoundOption): readonly DiscoveryProblem[] {
  const { family, code, bytes } = option
  const vendor = family === 4 ? code === 43 || code === 125 : code === 17
  if (!vendor || bytes === undefined || bytes.length === 0) return []
  const problems: DiscoveryProblem[] = []
  if (family === 4 && bytes.length > OPTION_BYTES_MAX) problems.push(tooLong(option, code, bytes.length))
  const acs = acsOf(option, bytes)
  if (acs === 'broken') {
    const message = `Option ${code} ends in the middle of a sub-option: phones throw all of it away`
    const advice = 'count the length byte of each sub-option, or let writeDhcp make it'
    if (code === 43) problems.push(at(option, 'option-43-broken', message, advice))
    return problems
  }
  if (acs?.url !== undefined) problems.push(...judgeAcsUrl(option, acs.url))
  if (code === 43 && longCode(bytes)) problems.push(longProvisioningCode(option))
  const ours = acs?.url !== undefined || (code === 43 && hasScep(bytes))
  return ours ? [...problems, ...judgeEveryone(option, code)] : problems
}

function acsOf({ family, code }: FoundOption, bytes: Uint8Array): AcsDiscovery | 'broken' | undefined {
  if (family === 6) {
    const read = decodeAcsOption17(bytes)
    return read.ok ? read.value : 'broken'
  }
  if (code === 43) {
    const read = decodeAcsOption43(bytes)
    // What is too long was told already; a text that begins like a URL and is none says nothing.
    return read.ok ? read.value : read.error.code === 'truncated' ? 'broken' : undefined
  }
  const read = decodeForumOption125(bytes)
  return read.ok ? read.value.acs : 'broken'
}

function judgeAcsUrl(option: FoundOption, url: string): readonly DiscoveryProblem[] {
  if (/^https:\/\//i.test(url)) return []
  return [
    at(
      option,
      'acs-not-tls',
      `The ACS ${shownUrl(url)} is not reached over TLS`,
      'name the TLS port of the ACS by https://: DHCP can be forged by anybody on the network, and a password in clear be read',
    ),
  ]
}

function judgeSubOption(option: FoundSubOption): readonly DiscoveryProblem[] {
  const { code, within, bytes } = option
  if (bytes === undefined) return []
  const base = within === 125 ? 10 : 0
  const problems: DiscoveryProblem[] = []
  if (within !== 17 && bytes.length > OPTION_BYTES_MAX) {
    const message = `Sub-option ${code} has ${bytes.length} bytes: its length byte tells at most ${OPTION_BYTES_MAX}`
    problems.push(at(option, 'sub-option-too-long', message, 'shorten its value'))
  }
  const url = code === base + 1 ? textOf(option) : undefined
  if (url === undefined || !/^https?:\/\//i.test(url)) {
    const long = code === base + 2 && within !== 17 && bytes.length > PROVISIONING_CODE_BYTES_MAX
    return long ? [...problems, longProvisioningCode(option)] : problems
  }
  return [...problems, ...judgeAcsUrl(option, url), ...judgeEveryone(option, within)]
}

/** Each sub-option costs two bytes more than its value. */
function judgeTotals(subOptions: readonly FoundSubOption[]): readonly DiscoveryProblem[] {
  const totals = new Map<string, { last: FoundSubOption; byteCount: number }>()
  for (const option of subOptions.filter(({ within }) => within === 43)) {
    const byteCount = (totals.get(option.scope)?.byteCount ?? 0) + 2 + (option.bytes?.length ?? 0)
    totals.set(option.scope, { last: option, byteCount })
  }
  return [...totals.values()].flatMap(({ last, byteCount }) =>
    byteCount > OPTION_BYTES_MAX ? [tooLong(last, 43, byteCount)] : [],
  )
}

function judgeScep(
  options: readonly FoundOption[],
  subOptions: readonly FoundSubOption[],
): readonly DiscoveryProblem[] {
  const server = options.find(isServerOption)
  if (server === undefined) return []
  const whole = options.filter(({ family, code, bytes }) => family === 4 && code === 43 && bytes && hasScep(bytes))
  const parts = subOptions.filter(({ within, code }) => within === 43 && code === SCEP_FIRST + 1)
  return [...whole, ...parts].map((option) =>
    at(
      option,
      'scep-with-nps',
      `Option 43 offers SCEP, while option ${server.code} in ${placeOf(server)} names a provisioning server: phones do not take both`,
      'remove 66, 150, 159 and 160 for these phones until the certificates are installed',
    ),
  )
}

/** Other makers use the same numbers for other things: only what has the URL of a SCEP server is about SCEP. */
function hasScep(bytes: Uint8Array): boolean {
  const read = decodeScep(bytes)
  return read.ok && read.value?.url !== undefined && subOptionsOf(bytes).every(isKnownCode)
}

function isKnownCode({ code }: { readonly code: number }): boolean {
  return (code >= 1 && code <= 4) || (code >= SCEP_FIRST && code <= SCEP_LAST)
}

/** The decoder leaves out a code that is too long; here it is told. */
function longCode(bytes: Uint8Array): boolean {
  const acs = decodeAcsOption43(bytes)
  if (!acs.ok || acs.value.url === undefined) return false
  return subOptionsOf(bytes).some(({ code, value }) => code === 2 && value.length > PROVISIONING_CODE_BYTES_MAX)
}

/** None in bytes that are no sub-options, e.g. a bare URL. */
function subOptionsOf(bytes: Uint8Array): readonly { readonly code: number; readonly value: Uint8Array }[] {
  const read = decodeSubOptions(bytes, 'padded')
  return read.ok ? read.value : []
}

function judgeEveryone(option: FoundOption, code: number): readonly DiscoveryProblem[] {
  if (option.audience !== 'everyone') return []
  const message = `Option ${code} is given to every device, whoever made it`
  return [at(option, 'for-everyone', message, 'move it into a class for these phones, as writeDhcp does')]
}

function longProvisioningCode(option: FoundOption): DiscoveryProblem {
  const message = `The provisioning code has more than ${PROVISIONING_CODE_BYTES_MAX} bytes`
  return at(option, 'sub-option-too-long', message, 'shorten it')
}

function tooLong(option: FoundOption, code: number, byteCount: number): DiscoveryProblem {
  const message = `Option ${code} has ${byteCount} bytes: at most ${OPTION_BYTES_MAX} are sent as one option`
  return at(option, code === 43 ? 'option-43-too-long' : 'too-long', message, 'shorten the URL or leave out values')
}
