import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { LayerScope } from './types.ts'
import { checkLayer, LAYER_PARAMETERS_MAX } from './check.ts'

function codes(
  parameters: Readonly<Record<string, string>>,
  scope: LayerScope = 'account',
  id = 'acc_1',
): readonly string[] {
  const entries = Object.entries(parameters).map(([element, value]) => [element, { value }] as const)
  return checkLayer(scope, id, new Map(entries)).map(({ code, element }) => `${code} ${element}`)
}

describe('checks before a layer is saved', () => {
  const CASES: readonly (readonly [element: string, value: string, expected: readonly string[]])[] = [
    ['Station_Name', 'Front desk', []],
    ['Proxy_n_', 'sip.example.com', []],
    ['Proxy_1_', 'sip.example.com', []],
    ['Short_Name_n_', '{{line.userId}}', []],
    ['Profile_Rule', 'https://prov.example.com/$MA.xml', []],
    ['Stationname', 'x', ['unknown-element']],
    ['station_name', 'x', ['unknown-element']],
    ['GPP_P', 'x', ['reserved-element']],
    ['GPP_SA', 'x', ['reserved-element']],
    ['GPP_SB', 'x', ['reserved-element']],
    ['Provision_Enable', 'maybe', ['bad-value']],
    ['Resync_Periodic', '1e', ['bad-value']],
    ['Short_Name_1_', '{{line.password}}', ['unknown-fact']],
    ['Short_Name_1_', '{{colour}}', ['unknown-fact']],
    ['Log_Request_Msg', '$PN uses $SA', ['secret-in-clear']],
    ['GPP_A', 'key $SB', ['secret-in-clear']],
    // MPP §3.1: the longest known name is read, which is $SB, with an X behind it.
    ['GPP_A', '$SBX', ['secret-in-clear']],
    ['GPP_A', 'key $GPP_SB', ['secret-in-clear']],
    ['GPP_A', 'key $(SB:0:4)', ['secret-in-clear']],
    ['GPP_A', '$(GPP_SD)', ['secret-in-clear']],
    ['GPP_A', '$SA_', ['secret-in-clear']],
    ['GPP_A', '$$SA is a dollar and two letters', []],
    ['GPP_A', 'SA', []],
    ['Short_Name_1_', '$SC', ['secret-in-clear']],
    ['Password_2_', '{{line1.userId}}', ['foreign-line-variable']],
    ['Password_2_', '{{line.userId}}', []],
    ['Auth_ID_n_', '{{line.authId}}', []],
    ['Auth_ID_n_', '{{line2.authId}}', ['foreign-line-variable']],
    ['Upgrade_Rule', '($SWVER lt 12-0-2MPP0001-1)? http://f/sip88xx.11-0-0MPP-1.loads', ['upgrade-never']],
    ['Upgrade_Rule', '($SWVER lt 12-0-2MPP0001-1)? http://f/sip88xx.12-0-2MPP0001-1.loads', []],
    ['Profile_Rule', '[--key $SA] http://prov.example.com/x.cfg', []],
    ['Profile_Rule', '( $A lt', ['bad-rule']],
  ]
  it.each(CASES)('%s = "%s": %o', (element, value, expected) => {
    expect(codes({ [element]: value })).toEqual(expected.map((code) => `${code} ${element}`))
  })

  it('names every problem at once, each with advice', () => {
    const entries = { Nope_1: { value: '' }, Provision_Enable: { value: 'maybe' } }
    const problems = checkLayer('account', 'acc_1', new Map(Object.entries(entries)))
    expect(problems.map(({ code }) => code)).toEqual(['unknown-element', 'bad-value'])
    for (const { advice, message } of problems) expect(advice.length > 5 && message.length > 5).toBe(true)
  })

  it('knows what a model lacks', () => {
    expect(codes({ User_ID_9_: 'x' }, 'model', 'CP-7811-3PCC')).toEqual(['unknown-element User_ID_9_'])
    expect(codes({ User_ID_9_: 'x' }, 'model', 'CP-8851-3PCC')).toEqual([])
  })

  it('takes so many parameters and no more', () => {
    const many = Object.fromEntries(Array.from({ length: LAYER_PARAMETERS_MAX + 1 }, (_, index) => [`E${index}`, '']))
    expect(codes(many)).toEqual(['too-many '])
  })

  it('shows no value of a secret element', () => {
    const value = `${'s3cr3t-'.repeat(100)}é`
    const problems = checkLayer(
      'account',
      'acc_1',
      new Map([
        ['Password_1_', { value }],
        ['Admin_Password', { value: '\u0001' }],
      ]),
    )
    expect(JSON.stringify(problems)).not.toContain('s3cr3t-')
  })

  it('never throws, whatever names and values are', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string()), (parameters) => {
        expect(Array.isArray(codes(parameters))).toBe(true)
      }),
    )
  })
})
