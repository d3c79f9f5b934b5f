import { describe, expect, it } from 'vitest'
import { type Evidence, type FetchAnswer, routePath } from '../fetch/mod.ts'
import {
  accountFacts,
  type Asked,
  certified,
  codeFacts,
  customerFacts,
  deviceFacts,
  fetchOf,
  MAC,
  OTHER_MAC,
} from '../testing-facts.ts'
import { answerFetch, type NpsRoute } from './answer.ts'

type Column = 'certified, TLS' | 'credentialed, TLS' | 'claimed MAC' | 'none'

const EVIDENCE: Readonly<Record<Column, Evidence>> = {
  'certified, TLS': certified(),
  'credentialed, TLS': { kind: 'credentialed', mac: MAC },
  'claimed MAC': { kind: 'claimed', mac: MAC },
  none: { kind: 'none' },
}

/** The answer in a few words: what leaves, and what is written before. */
function inWords({ content, commits }: FetchAnswer): string {
  const wrote = commits.map(({ kind }) => kind)
  const envelope = content.kind === 'own-profile' ? ` ${content.envelope.kind}` : ''
  return [`${content.kind}${envelope}`, ...wrote].join(' + ')
}

function ask(target: string, asked: Asked): FetchAnswer {
  const fetch = fetchOf(target, asked)
  return answerFetch(routePath(fetch.request.path, fetch.request.query) as NpsRoute, fetch)
}

const PATH = deviceFacts().device.profilePath
const OWN = 'own-profile clear'
const SEALED = 'own-profile sealed'
const FIRST = 'first-profile'
const NO = 'refusal'

/** Architecture "What may leave", cell by cell. `known`: the device of MAC is bound; `opens`: its account allows credentials. */
const known = { device: deviceFacts() }
const opens = { device: deviceFacts({}, { account: accountFacts('acc_1', { credentialed: true }) }) }
const code = { code: codeFacts() }
const forIt = { device: deviceFacts({ state: 'known', accountId: 'acc_1' }), code: codeFacts({ forMac: MAC }) }
const forOther = { device: deviceFacts({ state: 'known', accountId: 'acc_1' }), code: codeFacts({ forMac: OTHER_MAC }) }
const window = { customer: customerFacts([{}]) }
const file = { firmware: { name: 'sip88xx.12-0-7.loads', byteCount: 3, sha256: 'b'.repeat(64) } }

const CELLS: readonly [row: string, target: string, facts: object, column: Column, expected: string][] = [
  ['own profile in clear', '/cisco-init', known, 'certified, TLS', OWN],
  ['own profile in clear, account allows', '/cisco-init', opens, 'credentialed, TLS', OWN],
  ['own profile in clear, account does not allow', '/cisco-init', known, 'credentialed, TLS', NO],
  ['own profile in clear', '/cisco-init', known, 'claimed MAC', NO],
  ['own profile in clear', '/cisco-init', known, 'none', NO],
  ['own profile in clear at /<PSN>.xml', '/8851-3PCC.xml', known, 'certified, TLS', OWN],
  ['own profile in clear at /<PSN>.xml, account allows', '/8851-3PCC.xml', opens, 'credentialed, TLS', OWN],
  ['own profile in clear at /<PSN>.xml, not allowed', '/8851-3PCC.xml', known, 'credentialed, TLS', FIRST],
  ['own profile in clear at /<PSN>.xml', '/8851-3PCC.xml', known, 'claimed MAC', FIRST],
  ['own profile in clear at /<PSN>.xml', '/8851-3PCC.xml', known, 'none', FIRST],
  ['own profile in clear at /<PN>.cfg', '/CP-8851-3PCC.cfg', known, 'certified, TLS', OWN],
  ['own profile in clear at /<PN>.cfg, account allows', '/CP-8851-3PCC.cfg', opens, 'credentialed, TLS', OWN],
  ['own profile in clear at /<PN>.cfg', '/CP-8851-3PCC.cfg', known, 'claimed MAC', FIRST],
  ['own profile in clear at /<PN>.cfg', '/CP-8851-3PCC.cfg', known, 'none', FIRST],
  ['own profile in clear at /<any>/<mac>.cfg', `/some/where/${MAC}.cfg`, known, 'certified, TLS', OWN],
  ['own profile in clear at /<any>/<mac>.cfg, account allows', `/a/${MAC}.cfg`, opens, 'credentialed, TLS', OWN],
  ['own profile in clear at /<any>/<mac>.cfg', `/a/${MAC}.cfg`, known, 'claimed MAC', FIRST],
  ['own profile in clear at /<mac>.xml', `/${MAC}.xml`, known, 'none', FIRST],
  ['own profile sealed', `/s/${PATH}.cfg?k=1`, known, 'certified, TLS', `${SEALED} + confirm-key`],
  ['own profile sealed', `/s/${PATH}.cfg?k=1`, opens, 'credentialed, TLS', `${SEALED} + confirm-key`],
  ['own profile sealed: path is claim, key is lock', `/s/${PATH}.cfg?k=1`, known, 'claimed MAC', SEALED],
  ['own profile sealed: path is claim, key is lock', `/s/${PATH}.cfg?k=1`, known, 'none', SEALED],
  ['bind by one-time code', '/cisco-init/code', code, 'certified, TLS', `${OWN} + bind`],
  ['bind by one-time code', '/cisco-init/code', code, 'credentialed, TLS', NO],
  ['bind by one-time code', '/cisco-init/code', code, 'claimed MAC', NO],
  ['bind by one-time code', '/cisco-init/code', code, 'none', NO],
  ['bind by a code for this phone', '/cisco-init/4071936258', forIt, 'certified, TLS', `${OWN} + bind`],
  ['bind by a code for this phone', '/cisco-init/4071936258', forIt, 'credentialed, TLS', NO],
  ['bind by a code for this phone', '/cisco-init/4071936258', forIt, 'claimed MAC', NO],
  ['bind by a code for this phone', '/cisco-init/4071936258', forIt, 'none', NO],
  ['bind by a code for another phone', '/cisco-init/4071936258', forOther, 'certified, TLS', NO],
  ['bind by a guessable Customer ID', '/cisco-init/1234abcd', window, 'certified, TLS', 'held-profile + hold'],
  ['bind by a guessable Customer ID', '/cisco-init/1234abcd', window, 'credentialed, TLS', NO],
  ['bind by a guessable Customer ID', '/cisco-init/1234abcd', window, 'claimed MAC', NO],
  ['bind by a guessable Customer ID', '/cisco-init/1234abcd', window, 'none', NO],
  ['first profile, MAC is not ours', '/8851-3PCC.xml', {}, 'certified, TLS', FIRST],
  ['first profile, MAC is not ours', '/8851-3PCC.xml', {}, 'credentialed, TLS', FIRST],
  ['first profile, MAC is not ours', '/8851-3PCC.xml', {}, 'claimed MAC', FIRST],
  ['first profile at the MAC of another', `/x/${OTHER_MAC}.cfg`, opens, 'credentialed, TLS', FIRST],
  ['first profile by product name', '/8851-3PCC.xml', {}, 'none', FIRST],
  ['first profile by MAC', `/x/${OTHER_MAC}.cfg`, {}, 'none', FIRST],
  ['firmware', '/firmware/sip88xx.12-0-7.loads', file, 'certified, TLS', 'firmware'],
  ['firmware', '/firmware/sip88xx.12-0-7.loads', file, 'credentialed, TLS', 'firmware'],
  ['firmware', '/firmware/sip88xx.12-0-7.loads', file, 'claimed MAC', 'firmware'],
  ['firmware', '/firmware/sip88xx.12-0-7.loads', file, 'none', 'firmware'],
]

describe('what may leave', () => {
  it.each(CELLS.map((cell) => ({ row: cell[0], target: cell[1], facts: cell[2], column: cell[3], expected: cell[4] })))(
    '$row ($target), $column: $expected',
    ({ target, facts, column, expected }) => {
      expect(inWords(ask(target, { evidence: EVIDENCE[column], facts }))).toBe(expected)
    },
  )
})
