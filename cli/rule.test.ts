import { describe, expect, it, vi } from 'vitest'
import { type OutcomeKind, phoneOf, ruleOutcome } from './rule-outcome.ts'
import { offhook } from './testing-process.ts'

vi.setConfig({ testTimeout: 60_000 })

function outcome(text: string, pairs: readonly string[] = [], kind: OutcomeKind = 'profile', server?: string) {
  return ruleOutcome({ text, kind, phone: phoneOf(pairs), server })
}

describe('offhook rule', () => {
  it('prints one JSON document [MPP §4.1]', async () => {
    const rule =
      '("$A" eq "x")? (b = "1"; Station_Name = "$MA";)! [--key "$SA" --post c --srv] http://p.example.com:8080/$PSN.xml | /y'
    const ended = await offhook([
      'rule',
      rule,
      '--phone',
      'MA=00:0E:08:AA:BB:CC',
      'A=x',
      '--phone',
      'SA=k y',
      '--phone',
      'PN=CP-8851-3PCC',
      '--json',
    ])
    expect(ended).toMatchObject({ code: 0, errors: '' })
    expect(JSON.parse(ended.output.toString())).toEqual({
      url: 'http://p.example.com:8080/8851-3PCC.xml',
      options: { key: 'k y', post: 'c', srv: true },
      assignments: [
        { element: 'GPP_B', value: '1' },
        { element: 'Station_Name', value: '00:0E:08:AA:BB:CC' },
      ],
      branch: 0,
      problems: [],
      warnings: [],
    })
  })

  it('takes the rule behind --phone, and from a pipe', async () => {
    const behind = await offhook(['rule', '--phone', 'MA=000e08aabbcc', 'https://p/$MAU', '--json'])
    expect(JSON.parse(behind.output.toString()).url).toBe('https://p/000E08AABBCC')
    const piped = await offhook(['rule', '-', '--json'], 'https://p/x\n')
    expect(JSON.parse(piped.output.toString()).url).toBe('https://p/x')
  })

  it('ends with 1 when there are problems, and still prints the document', async () => {
    const ended = await offhook(['rule', '( $A lt', '--json'])
    expect(ended.code).toBe(1)
    expect(JSON.parse(ended.output.toString())).toMatchObject({
      url: null,
      branch: null,
      problems: [{ code: 'unbalanced-group' }],
    })
  })

  it('speaks to people without --json, problems on stderr', async () => {
    const ended = await offhook(['rule', '(x eq y)? http://p/x | (1 lt 2)? http://p/y'])
    expect(ended.output.toString()).toBe('alternative 1\nfetches     http://p/y\n')
    expect(ended.errors).toMatch(/offhook: bad-operand/)
    expect(ended.code).toBe(1)
  })
})

describe('urls', () => {
  it.each([
    ['an empty rule [MPP §4.1]', '', null, null],
    ['a rule that is commented out [MPP §1.6]', '# https://p/x', null, null],
    ['no scheme is tftp [MPP §4.5]', 'p.example.com/x.cfg', 'tftp://p.example.com/x.cfg', 0],
    ['no server', '/x.cfg', 'tftp:///x.cfg', 0],
    ['a port only where it is written', 'https://p:443/x', 'https://p:443/x', 0],
    ['none where it is not', 'https://p/x', 'https://p/x', 0],
    ['a query', 'http://p/x?a=b|(1 eq 1)? /y', 'http://p/x?a=b', 0],
    ['the second alternative', '(1 eq 2)? http://p/x | http://p/y', 'http://p/y', 1],
    ['none applies', '(1 eq 2)? http://p/x | (2 eq 3)? http://p/y', null, null],
    ['an alternative without URL', '(1 eq 1)? (a = "x";)!', null, 0],
    ['a dollar sign [MPP §3.1]', 'http://p/$$MA', 'http://p/$MA', 0],
    ['a name that is none', 'http://p/$vendor', 'http://p/$vendor', 0],
    ['a macro that is not given', 'http://p/$MA', 'http://p/$MA', 0],
    ['an IPv6 address', 'http://[2001:db8::1]:8080/x', 'http://[2001:db8::1]:8080/x', 0],
    ['a space is encoded', 'http://p/a b', 'http://p/a%20b', 0],
  ])('%s', (_what, text, url, branch) => {
    expect(outcome(text)).toMatchObject({ url, branch, problems: [] })
  })

  it('asks the server of DHCP where the rule names none [MPP §4.5]', () => {
    expect(outcome('/x.cfg', [], 'profile', '192.0.2.1').url).toBe('tftp://192.0.2.1/x.cfg')
    expect(outcome('/x.cfg', [], 'profile', 'http://d.example.com:8080').url).toBe('http://d.example.com:8080/x.cfg')
    expect(outcome('https://p/x', [], 'profile', '192.0.2.1').url).toBe('https://p/x')
  })
})

describe('conditions', () => {
  const upgrade =
    '($SWVER lt 11-0-0MPP-1)? http://f/sip88xx.11-0-0MPP-1.loads | ($SWVER lt 12-0-2MPP0001-116)? http://f/sip88xx.12-0-2MPP0001-116.loads'
  it.each([
    ['sip88xx.10-3-1MPP-20', 0],
    ['sip88xx.11-0-0MPP-1', 1],
    ['sip88xx.11-3-2MPP0001-609', 1],
    ['sip88xx.12-0-2MPP0001-116', null],
    ['sip88xx.12-0-7MPP0201-66', null],
  ])('with $SWVER %s the alternative is %s [MPP §4.3]', (load, branch) => {
    expect(outcome(upgrade, [`SWVER=${load}`], 'upgrade')).toMatchObject({ branch, problems: [] })
  })

  it.each([
    ['("$A" ne "done")? http://p/a | http://p/b', [], 0],
    ['("$A" ne "done")? http://p/a | http://p/b', ['A=done'], 1],
    ['("$A" ne "done")? http://p/a | http://p/b', ['GPP_A=done'], 1],
    ['($PRVTMR ge 600 and "$CCERT" eq "Installed")? http://p/a', ['PRVTMR=600', 'CCERT=Installed'], 0],
    ['($PRVTMR ge 600 and "$CCERT" eq "Installed")? http://p/a', ['PRVTMR=599', 'CCERT=Installed'], null],
    ['("$(MAU:8:2)" = "23")? http://p/a', ['MA=000e08012345'], 0],
    ['("a|b" eq "a|b")? http://p/a', [], 0],
  ])('%s with %j: %s', (text, pairs, branch) => {
    expect(outcome(text, pairs)).toMatchObject({ branch, problems: [] })
  })

  it('says which value it needs, when that decides [MPP §4.1]', () => {
    expect(outcome('($PRVTMR ge 600)? http://p/a | http://p/b')).toMatchObject({
      url: null,
      branch: null,
      problems: [{ code: 'value-needed', advice: 'Give --phone PRVTMR=…' }],
    })
  })

  it.each([
    ['mixed kinds [MPP §4.2]', '("a" eq 1)? http://p/a | http://p/b', 'mixed-operands', 1],
    ['texts have no order', '("a" lt "b")? http://p/a | http://p/b', 'string-ordering', 1],
    ['no "or"', '(1 eq 1 or 2 eq 2)? http://p/a | http://p/b', 'or-not-supported', 1],
    ['a user in the URL', 'http://u:p@h/x', 'url-userinfo', null],
    ['a secret outside of options [MPP §3.1]', 'http://p/$SA', 'secret-outside-option', 0],
  ])('%s: a problem', (_what, text, code, branch) => {
    const found = outcome(text)
    expect(found.problems.map((each) => each.code)).toContain(code)
    expect(found.branch).toBe(branch)
  })
})

describe('options and other kinds', () => {
  it.each([
    ['[--key "a b|c]d"] http://p/x', { key: 'a b|c]d' }],
    ['[--uid $MA --pwd "$SB"] https://p/x', { uid: '000e08aabbcc', pwd: 'q"uote' }],
    ['[--alias b --post a] https://p/x', { alias: 'b', post: 'a' }],
    ['[--key one --key two] https://p/x', { key: 'two' }],
    ['https://p/x', {}],
  ])('%s [MPP §4.4]', (text, options) => {
    expect(outcome(text, ['MA=000e08aabbcc', 'SB=q"uote'])).toMatchObject({ options, problems: [] })
  })

  it('leaves a secret that is not given as its macro', () => {
    expect(outcome('[--key $SA] http://p/x')).toMatchObject({
      options: { key: '$SA' },
      problems: [],
      warnings: [{ code: 'value-not-given' }],
    })
  })

  it('lists what a report rule sends [MPP §12.2]', () => {
    const found = outcome('[--delta] http://r/a [--status] http://r/b', [], 'report')
    expect(found).toMatchObject({ url: 'http://r/a', options: { delta: true }, branch: 0, problems: [] })
    expect(found.reports).toEqual([
      { url: 'http://r/a', options: { delta: true } },
      { url: 'http://r/b', options: { status: true } },
    ])
  })

  it.each([
    ['$PRVTMR ge 600', ['PRVTMR=700'], 0],
    ['$PRVTMR ge 600', ['PRVTMR=7'], null],
    ['"$A" eq ""', [], 0],
  ])('a trigger: %s with %j is %s [MPP §5.3]', (text, pairs, branch) => {
    expect(outcome(text, pairs, 'trigger')).toMatchObject({ url: null, branch, problems: [] })
  })

  it('refuses a --phone that is no pair', async () => {
    const ended = await offhook(['rule', 'https://p/x', '--phone', 'MA'])
    expect(ended.code).toBe(2)
    expect(ended.errors).toMatch(/not NAME=VALUE/)
  })
})
