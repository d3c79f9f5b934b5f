import { describe, expect, it } from 'vitest'
import { accountFacts, deviceFacts, layerOf, lineOf, MAC, platformFacts, PN, productName } from '../testing-facts.ts'
import { featureOf } from './features/testing-features.ts'
import { resolveDevice } from './resolve.ts'
import type { Layer, ResolvedParameter } from './types.ts'

function resolve(layers: readonly Layer[], more: Parameters<typeof deviceFacts>[1] = {}, model = PN) {
  return resolveDevice(deviceFacts({ model }, { ...more, layers }), platformFacts())
}

function origin({ origin: { kind, scope } }: ResolvedParameter): string {
  return scope === undefined ? kind : `${kind} ${scope}`
}

const EVERY_SCOPE = (['platform', 'provider', 'model', 'account', 'device'] as const).map((scope) =>
  layerOf(scope, { Time_Zone: 'GMT+01:00', Station_Name: scope }),
)

describe('layers', () => {
  it.each([[{ Dial_Plan_1_: '(one)', Dial_Plan_n_: '(all)' }], [{ Dial_Plan_n_: '(all)', Dial_Plan_1_: '(one)' }]])(
    'an element named itself wins over the pattern beside it, stored as %o',
    (parameters) => {
      const resolved = resolve([layerOf('account', parameters)])
      expect([resolved.get('Dial_Plan_1_')?.value, resolved.get('Dial_Plan_2_')?.value]).toEqual(['(one)', '(all)'])
    },
  )

  it('the narrowest wins, and says what it won over, nearest first', () => {
    const found = resolve(EVERY_SCOPE).get('Station_Name')
    expect(found?.value).toBe('device')
    expect(found && origin(found)).toBe('layer device')
    expect(found?.overrode.map(({ value }) => value)).toEqual(['account', 'model', 'provider', 'platform'])
  })

  it.each([
    [1, 'platform'],
    [2, 'provider'],
    [3, 'model'],
    [4, 'account'],
    [5, 'device'],
  ])('of the first %i scopes %s wins', (count, winner) => {
    expect(resolve(EVERY_SCOPE.slice(0, count)).get('Station_Name')?.value).toBe(winner)
  })

  it('a layer may change what the platform says, and the platform value is told as overridden', () => {
    const found = resolve([layerOf('account', { Resync_Periodic: '7200' })]).get('Resync_Periodic')
    expect(found).toMatchObject({
      value: '7200',
      origin: { kind: 'layer', scope: 'account' },
      overrode: [{ origin: { kind: 'platform' } }],
    })
  })

  it("the device's lines stand over shared layers and under the device's own", () => {
    const shared = layerOf('account', { User_ID_1_: 'shared' })
    expect(resolve([shared]).get('User_ID_1_')).toMatchObject({ value: '1001', origin: { kind: 'line' } })
    const own = layerOf('device', { User_ID_1_: 'own' }, MAC)
    expect(resolve([shared, own]).get('User_ID_1_')).toMatchObject({
      value: 'own',
      origin: { kind: 'layer', scope: 'device' },
    })
  })

  it('access is kept from below where a layer says nothing about it', () => {
    const layers = [
      layerOf('provider', { Time_Zone: { value: 'GMT', ua: 'ro' } }),
      layerOf('account', { Time_Zone: 'GMT+01:00' }),
    ]
    expect(resolve(layers).get('Time_Zone')).toMatchObject({ value: 'GMT+01:00', ua: 'ro' })
  })

  it.each(['GPP_P', 'GPP_SA', 'GPP_SB'])('%s belongs to the platform: no layer sets it', (element) => {
    const layers = EVERY_SCOPE.map(({ scope }) => layerOf(scope, { [element]: 'mine' }))
    expect(resolve(layers).get(element)?.value === 'mine').toBe(false)
  })
})

describe('patterns and models', () => {
  it('`Proxy_n_` means every line of the model', () => {
    const resolved = resolve([layerOf('device', { Proxy_n_: 'sip.other.example' })])
    const proxies = [...resolved.keys()].filter((element) => /^Proxy_\d+_$/.test(element))
    expect(proxies).toHaveLength(10)
    expect(proxies.every((element) => resolved.get(element)?.value === 'sip.other.example')).toBe(true)
  })

  it('has as many lines as the model', () => {
    const resolved = resolve([layerOf('account', { Proxy_n_: 'x.example' })], {}, productName('CP-7811-3PCC'))
    expect([...resolved.keys()].filter((element) => element.startsWith('Line_Enable_'))).toEqual(['Line_Enable_1_'])
    expect([...resolved.keys()].filter((element) => element.startsWith('Proxy_'))).toEqual(['Proxy_1_'])
  })

  it('an element that the model lacks is left out of its profile', () => {
    const layers = [layerOf('account', { User_ID_9_: 'nine' })]
    expect(resolve(layers).has('User_ID_9_')).toBe(true)
    expect(resolve(layers, {}, productName('CP-7811-3PCC')).has('User_ID_9_')).toBe(false)
  })

  it('extensions without a line are switched off and emptied', () => {
    const resolved = resolve([], { lines: [lineOf(2)] })
    expect(resolved.get('Line_Enable_1_')?.value).toBe('No')
    expect(resolved.get('User_ID_1_')?.value).toBe('')
    expect(resolved.get('Line_Enable_2_')?.value).toBe('Yes')
  })
})

describe('facts in braces', () => {
  const CASES: readonly (readonly [element: string, value: string, expected: string])[] = [
    ['Station_Name', '{{device.mac}}', MAC],
    ['Station_Name', '{{ device.macWithColons }}', '00:56:2b:04:36:15'],
    ['Station_Name', '{{device.model}} of {{account.name}}', 'CP-8851-3PCC of A & B Ltd'],
    ['Station_Name', '{{account.customerId}}', 'cust-acc_1'],
    ['Short_Name_1_', '{{line.userId}}', '1001'],
    ['Short_Name_2_', '{{line.displayName}}', 'Desk 2'],
    ['Short_Name_2_', '{{line1.userId}}', '1001'],
    ['Short_Name_1_', '{{line.authId}}', '1001'],
    ['Short_Name_3_', '[{{line.userId}}]', '[]'],
    ['Short_Name_1_', '{{line.password}}', '{{line.password}}'],
    ['Short_Name_1_', '{{unknown}}', '{{unknown}}'],
    ['Short_Name_1_', '{{device.mac', '{{device.mac'],
    ['Short_Name_1_', '{{constructor}} {{line.toString}}', '{{constructor}} {{line.toString}}'],
  ]
  it.each(CASES)('%s: %s is %s', (element, value, expected) => {
    const resolved = resolve([layerOf('account', { [element]: value })], { lines: [lineOf(1), lineOf(2)] })
    expect(resolved.get(element)?.value).toBe(expected)
  })

  it('a pattern takes the line of each element', () => {
    const resolved = resolve([layerOf('account', { Short_Name_n_: '{{line.userId}}' })], {
      lines: [lineOf(1), lineOf(2)],
    })
    expect([resolved.get('Short_Name_1_')?.value, resolved.get('Short_Name_2_')?.value]).toEqual(['1001', '1002'])
  })
})

describe('the platform layer, on by default', () => {
  const facts = deviceFacts()
  const resolved = resolveDevice(facts, platformFacts())
  const value = (element: string) => resolved.get(element)?.value ?? ''

  it('admin and user passwords are the device’s own', () => {
    expect(value('Admin_Password') === facts.secrets?.adminPassword).toBe(true)
    expect(value('User_Password') === facts.secrets?.userPassword).toBe(true)
    expect(value('Admin_Password') === value('User_Password')).toBe(false)
  })

  it.each([
    ['Auth_Resync-Reboot_1_', 'Yes'],
    ['Auth_Resync-Reboot_10_', 'Yes'],
    ['Block_Nonproxy_SIP', 'Yes'],
    ['Enable_Direct_Action_Url', 'No'],
    ['Provision_Enable', 'Yes'],
    ['Resync_On_Reset', 'Yes'],
  ])('%s is %s', (element, expected) => {
    expect(value(element)).toBe(expected)
  })

  it('restricted domains are our hosts, the registrar and the hosts of rules', () => {
    const layers = [
      layerOf('account', { Upgrade_Rule: 'https://fw.example.net/a.loads | http://fw2.example.net:8080/b.loads' }),
    ]
    expect(resolve(layers).get('Restricted_Access_Domains')?.value.split(',').sort()).toEqual([
      'fw.example.net',
      'fw2.example.net',
      'prov.example.com',
      'sip.example.com',
    ])
  })

  it('no host is shut out when one of them depends on a macro', () => {
    expect(
      resolve([layerOf('account', { Upgrade_Rule: 'https://$A/x.loads' })]).get('Restricted_Access_Domains')?.value,
    ).toBe('')
  })

  it('no log message carries a path, which may hold a code', () => {
    const messages = [...resolved].filter(([element]) => /^Log_.*_Msg$/.test(element))
    expect(messages).toHaveLength(6)
    for (const [, message] of messages) expect(message.value).not.toMatch(/\$\(?PATH/)
  })

  it('error retries have jitter', () => {
    for (const each of value('Resync_Error_Retry_Delay').split(',')) expect(each).toMatch(/^\d+\+\d+$/)
  })

  it('the first look back comes within two minutes, then the normal period with jitter [MPP §5.2]', () => {
    expect(value('Resync_Periodic')).toBe('60+60,86400+10800')
  })

  it('the rule asks for marker, cause, load and registration', () => {
    expect(value('Profile_Rule')).toBe('https://prov.example.com/cisco-init?v=$P&why=$PRVST&fw=$SWVER&reg=$REGTMR1&k=1')
    expect(value('Profile_Rule_B')).toBe('https://prov.example.com/cisco-ack?v=$P&why=$PRVST&fw=$SWVER&reg=$REGTMR1')
  })

  it('sealed and credentialed accounts have rules of their own', () => {
    const rule = (settings: object) =>
      resolve([], { account: accountFacts('acc_1', settings) }).get('Profile_Rule')?.value
    expect(rule({ delivery: 'sealed' })).toMatch(
      /^\[--key \$SA\] http:\/\/prov\.example\.com\/s\/[0-9a-f]{32}\.cfg\?k=1&v=\$P/,
    )
    expect(rule({ credentialed: true })).toMatch(
      /^\[--uid \$MA --pwd \$SB\] https:\/\/prov\.example\.com\/cisco-init\?.*&auth=1$/,
    )
  })
})

describe('features', () => {
  const named = (phone: string) => featureOf({ kind: 'key-names', keys: [{ key: 1, name: phone }], phone })

  it('stand over shared layers and lines, and under the layer of the device', () => {
    const features = [named('said')]
    const shared = layerOf('batch', { Station_Display_Name: 'shared' }, 'batch_1')
    expect(resolve([shared], { features }).get('Station_Display_Name')).toMatchObject({
      value: 'said',
      origin: { kind: 'feature', featureKind: 'key-names', featureId: features[0]?.id },
      overrode: [{ value: 'shared' }],
    })
    const own = layerOf('device', { Station_Display_Name: 'own' }, MAC)
    expect(resolve([shared, own], { features }).get('Station_Display_Name')?.value).toBe('own')
  })

  it('braces in a name are braces: facts are filled in layers only', () => {
    expect(resolve([], { features: [named('{{account.name}}')] }).get('Short_Name_1_')?.value).toBe('{{account.name}}')
  })

  it('only the access, where a limit says no more: the value is that of below, else what the phone has [MPP §1.3]', () => {
    const features = [featureOf({ kind: 'user-limits', access: [{ of: 'Ringer_Volume', access: 'na' }] })]
    const layer = layerOf('account', { Ringer_Volume: '3' }, 'acc_1')
    expect(resolve([layer], { features }).get('Ringer_Volume')).toMatchObject({ value: '3', ua: 'na', preserve: false })
    expect(resolve([], { features }).get('Ringer_Volume')).toMatchObject({ ua: 'na', preserve: true })
  })

  it('taken back, they leave the values of the factory, under everything that is said now [MPP §1.6]', () => {
    const dial = { kind: 'speed-dial', place: { kind: 'key', key: 3 }, name: 'A', number: '1' }
    const pastFeatures = [featureOf(dial)]
    const found = resolve([], { pastFeatures })
    expect(found.get('Extension_3_')).toMatchObject({ value: '3', origin: { kind: 'feature', takenBack: true } })
    expect(found.get('Extended_Function_3_')?.value).toBe('')
    const layer = layerOf('platform', { Extension_3_: '1' })
    expect(resolve([layer], { pastFeatures }).get('Extension_3_')?.value).toBe('1')
    const again = resolve([], { pastFeatures, features: [featureOf(dial)] })
    expect(again.get('Extended_Function_3_')?.value).toBe('fnc=sd;ext=1@$PROXY;nme=A')
  })

  it('taken back, a limit gives the access of the factory back, and no password is touched', () => {
    const limits = { kind: 'user-limits', access: [{ of: 'ringtone', access: 'na' }], adminPassword: 'theirs' }
    const found = resolve([], { pastFeatures: [featureOf(limits)] })
    expect(found.get('Default_Ring_1_')).toMatchObject({ ua: 'rw', preserve: true })
    expect(found.get('Admin_Password')).toMatchObject({ preserve: false, origin: { kind: 'platform' }, overrode: [] })
  })

  it('what a feature allows to users only comes back as a default that a user may change [MPP §1.3]', () => {
    const found = resolve([], { pastFeatures: [featureOf({ kind: 'forward', all: '9000' })] })
    expect(found.get('Cfwd_All_Dest')).toMatchObject({ value: '', ua: 'rw', userPref: true })
  })
})
