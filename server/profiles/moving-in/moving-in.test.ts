import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ProductName } from '../../../protocol/identity.ts'
import { catalogue, exportProfile, factoryState, type StoredParameter } from '../../../protocol/profile/mod.ts'
import { deviceFacts, freshMac, lineOf, platformFacts } from '../../testing-facts.ts'
import { resolveDevice } from '../resolve.ts'
import type { Layer } from '../types.ts'
import {
  guessModel,
  LIST_ROWS_MAX,
  type MoveInProposal,
  proposeMoveIn,
  readDeviceList,
  type SourceFile,
} from './mod.ts'

const MODEL = 'CP-8851-3PCC' as ProductName
const OTHER = 'CP-7841-3PCC' as ProductName

function xml(values: Readonly<Record<string, string>>): string {
  const lines = Object.entries(values).map(([name, value]) => `<${name}>${value === '' ? '""' : value}</${name}>`)
  return `<flat-profile>${lines.join('\n')}</flat-profile>`
}

function layersOf(proposal: MoveInProposal): Readonly<Record<string, readonly string[]>> {
  const layers = proposal.layers.map(
    ({ scope, id, parameters }) => [`${scope} ${id}`.trim(), [...parameters.keys()]] as const,
  )
  const devices = proposal.devices.map(({ file, parameters }) => [file, [...parameters.keys()]] as const)
  return Object.fromEntries([...layers, ...devices])
}

describe('layers from many files', () => {
  it('puts what all say into the account, what a model says into the model, and the rest into the device', () => {
    const files: readonly SourceFile[] = [
      { name: 'a', model: MODEL, text: xml({ Time_Zone: 'GMT+01:00', Voice_Mail_Number: '*97', Station_Name: 'A' }) },
      {
        name: 'b',
        model: MODEL,
        text: xml({ Time_Zone: 'GMT+01:00', Voice_Mail_Number: '*97', Resync_Random_Delay: '3' }),
      },
      { name: 'c', model: OTHER, text: xml({ Time_Zone: 'GMT+01:00', Voice_Mail_Number: '*98' }) },
    ]
    const proposal = proposeMoveIn(files)
    expect(layersOf(proposal)).toEqual({
      account: ['Time_Zone'],
      [`model ${MODEL}`]: ['Voice_Mail_Number'],
      a: ['Station_Name'],
      b: ['Resync_Random_Delay'],
      c: ['Voice_Mail_Number'],
    })
    expect(proposal.counts).toEqual({ files: 3, account: 1, model: 1, device: 3, lines: 0, leftOut: 0 })
    expect(layersOf(proposeMoveIn(files, { modelLayers: false }))[`model ${MODEL}`]).toBeUndefined()
  })

  it('does not give a phone what its own file lacks', () => {
    const proposal = proposeMoveIn([
      { name: 'a', text: xml({ Time_Zone: 'GMT+01:00' }) },
      { name: 'b', text: xml({}) },
    ])
    expect(layersOf(proposal)).toEqual({ a: ['Time_Zone'], b: [] })
  })

  it('keeps what names the phone with the phone, even where all agree', () => {
    const text = xml({ Station_Name: 'Desk', Host_Name: 'x', Voice_Mail_Number: '000E08AABBCC' })
    expect(layersOf(proposeMoveIn([{ name: '000e08aabbcc.xml', text }]))).toEqual({
      '000e08aabbcc.xml': ['Host_Name', 'Station_Name', 'Voice_Mail_Number'],
    })
  })

  it.each([
    ['000e08aabbcc.xml', '000e08aabbcc'],
    ['SEP000E08AABBCC.cnf.xml', '000e08aabbcc'],
    ['spa000e08aabbcc.cfg', '000e08aabbcc'],
    ['cisco/00-0E-08-AA-BB-CC.xml', '000e08aabbcc'],
    ['8851-3PCC.xml', undefined],
    ['000e08aabbccdd.xml', undefined],
  ])('reads the MAC address of %s: %s', (name, mac) => {
    expect(proposeMoveIn([{ name, text: xml({}) }]).devices[0]?.mac).toBe(mac)
  })

  it('reads the product of a file name', () => {
    expect(proposeMoveIn([{ name: '8841-3PCC.xml', text: xml({}) }]).devices[0]?.model).toBe('CP-8841-3PCC')
  })

  it('makes lines of extensions [MPP §13.4]', () => {
    const values = {
      Line_Enable_1_: 'Yes',
      Proxy_1_: 'sip.example.com',
      User_ID_1_: '1001',
      Password_1_: 'made-up',
      Display_Name_1_: 'Ann',
      Auth_ID_1_: '',
      Register_1_: 'No',
      Line_Enable_2_: 'No',
      User_ID_2_: '',
      Line_Enable_3_: 'Yes',
    }
    const { devices } = proposeMoveIn([{ name: 'a', model: MODEL, text: xml(values) }])
    expect(devices[0]?.lines).toEqual([
      {
        index: 1,
        userId: '1001',
        password: 'made-up',
        displayName: 'Ann',
        domain: 'sip.example.com',
        authId: undefined,
        outboundProxy: undefined,
        transport: undefined,
      },
    ])
    expect([...(devices[0]?.parameters ?? [])].map(([element]) => element)).toEqual(['Register_1_', 'Line_Enable_3_'])
  })

  it.each([
    ['Profile_Rule', 'https://old.example.com/x', 'managed'],
    ['GPP_P', 'x', 'managed'],
    ['GPP_SA', 'x', 'managed'],
    ['Restricted_Access_Domains', 'old.example.com', 'managed'],
    ['Colour', 'red', 'unknown-element'],
    ['Resync_On_Reset', 'maybe', 'managed'],
    ['Enable_Web_Server', 'maybe', 'not-valid'],
    ['Upgrade_Rule', '( nothing', 'not-valid'],
    ['Admin_Password', '************', 'secret-not-in-file'],
    ['Station_Name', '{{device.mac}}', 'braces'],
  ])('leaves out %s "%s": %s', (element, value, reason) => {
    const proposal = proposeMoveIn([{ name: 'a', text: xml({ [element]: value, Time_Zone: 'GMT' }) }])
    expect(proposal.leftOut.map((each) => [each.element, each.reason])).toEqual([[element, reason]])
    expect(layersOf(proposal)['account']).toEqual(['Time_Zone'])
  })

  it('goes on when one file cannot be read, and says which', () => {
    const proposal = proposeMoveIn([
      { name: 'bad.xml', text: '<flat-profile>' },
      { name: 'good.xml', text: xml({ Time_Zone: 'GMT' }) },
    ])
    expect(proposal.leftOut).toMatchObject([{ file: 'bad.xml', element: '', reason: 'unreadable' }])
    expect(layersOf(proposal)).toEqual({ account: ['Time_Zone'], 'good.xml': [] })
  })
})

describe('an export of a phone', () => {
  const store = new Map<string, StoredParameter>(
    Object.entries({
      Station_Name: 'Desk',
      Time_Zone: 'GMT+01:00',
      User_ID_1_: '1001',
      Proxy_1_: 'sip.example.com',
    }).map(([element, value]) => {
      const row = catalogue.find(element)
      if (row === undefined) throw new Error(element)
      return [element, { ...factoryState(element, row), value }]
    }),
  )
  const proposal = proposeMoveIn([{ name: '000e08aabbcc-cfg.xml', model: MODEL, text: exportProfile(store, MODEL) }])

  it('keeps only what differs from the factory, apart by phone and account [MPP §1.8]', () => {
    expect(layersOf(proposal)).toEqual({ account: ['Time_Zone'], '000e08aabbcc-cfg.xml': ['Station_Name'] })
    expect(proposal.devices[0]?.lines).toMatchObject([{ userId: '1001', password: undefined }])
  })

  it('names the secrets that the phone keeps to itself, before all else that is left out', () => {
    const named = proposal.leftOut.filter(({ reason }) => reason === 'secret-not-in-file').map(({ element }) => element)
    expect(named).toContain('Password_1_')
    expect(named).toContain('Admin_Password')
    expect(proposal.leftOut.at(-1)?.reason).toBe('default')
  })
})

describe('what a phone gets afterwards', () => {
  const element = fc.constantFrom(
    'Time_Zone',
    'Voice_Mail_Number',
    'Station_Name',
    'Enable_Web_Server',
    'Debug_Level',
    'Line_Enable_1_',
    'Proxy_1_',
    'User_ID_1_',
    'Password_1_',
    'Display_Name_1_',
    'User_ID_2_',
    'Proxy_2_',
    'Line_Enable_2_',
    'Register_1_',
    'Dial_Plan_1_',
    'Profile_Rule',
    'GPP_A',
    'Colour',
  )
  const value = fc.constantFrom(
    'Yes',
    'No',
    '',
    '1001',
    '1002',
    'sip.example.com',
    'GMT',
    'INFO',
    '(xx.)',
    'password-7',
  )
  const file = fc.record({
    values: fc.dictionary(element, value, { maxKeys: 12 }),
    model: fc.constantFrom(MODEL, OTHER),
  })

  it('is what its file said, for every element that was kept', () => {
    fc.assert(
      fc.property(fc.array(file, { minLength: 1, maxLength: 6 }), (files) => {
        const proposal = proposeMoveIn(
          files.map(({ values, model }, index) => ({ name: `file-${index}`, model, text: xml(values) })),
        )
        for (const [index, device] of proposal.devices.entries()) {
          const resolved = resolveDevice(factsOf(proposal, index), platformFacts())
          const left = proposal.leftOut.filter((each) => each.file === device.file).map((each) => each.element)
          for (const [name, said] of Object.entries(files[index]?.values ?? {})) {
            if (!left.includes(name)) expect([name, resolved.get(name)?.value]).toEqual([name, said])
          }
        }
      }),
      { numRuns: 300 },
    )
  })

  function factsOf(proposal: MoveInProposal, index: number) {
    const device = proposal.devices[index]
    const shared = proposal.layers.filter(({ scope, id }) => scope === 'account' || id === device?.model)
    const layer = (scope: Layer['scope'], parameters: Layer['parameters']): Layer => ({
      scope,
      id: 'x',
      revisionId: 1,
      parameters,
    })
    const layers = [
      ...shared.filter(({ scope }) => scope === 'model').map(({ parameters }) => layer('model', parameters)),
      ...shared.filter(({ scope }) => scope === 'account').map(({ parameters }) => layer('account', parameters)),
      layer('device', device?.parameters ?? new Map()),
    ]
    const lines = (device?.lines ?? []).map(({ index: at, password = '', ...line }) =>
      lineOf(at, {
        ...line,
        password,
        authId: line.authId,
        outboundProxy: line.outboundProxy,
        transport: line.transport,
      }),
    )
    return deviceFacts({ mac: freshMac(), model: device?.model ?? MODEL, state: 'bound' }, { layers, lines })
  }

  it('does not depend on the order of the elements, and never throws', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { maxLength: 4 }), (texts) => {
        expect(proposeMoveIn(texts.map((text, index) => ({ name: text || String(index), text }))).counts.files).toBe(
          texts.length,
        )
      }),
    )
    const values = Object.entries({ Time_Zone: 'GMT', Voice_Mail_Number: '1', Debug_Level: 'INFO' })
    const first = proposeMoveIn([{ name: 'a', text: xml(Object.fromEntries(values)) }])
    const second = proposeMoveIn([{ name: 'a', text: xml(Object.fromEntries(values.toReversed())) }])
    expect([...(first.layers[0]?.parameters ?? [])]).toEqual([...(second.layers[0]?.parameters ?? [])])
  })
})

describe('models of other systems', () => {
  it.each([
    ['8851', 'CP-8851-3PCC'],
    ['CP-8841', 'CP-8841-3PCC'],
    ['cisco/8861', 'CP-8861-3PCC'],
    ['Cisco 7841', 'CP-7841-3PCC'],
    ['cisco-8845', 'CP-8845-3PCC'],
    ['8832-3PCC', 'CP-8832-3PCC'],
    ['CP-6871-3PCC', 'CP-6871-3PCC'],
    ['9861', 'DP-9861'],
    ['cp-8865-3pcc', 'CP-8865-3PCC'],
  ])('%s is %s', (name, model) => {
    expect(guessModel(name)).toMatchObject({ kind: 'model', model })
  })

  it.each([
    ['cisco/spa504g', /SPA series/],
    ['SPA122', /SPA series/],
    ['ATA192', /analogue/],
    ['cisco/7960', /enterprise/],
    ['cisco/79x1', /enterprise/],
    ['8961', /enterprise/],
    ['yealink/t46g', /no phone/],
    ['', /no model/],
    ['88510', /no phone/],
  ])('%s is no phone for us', (name, reason) => {
    const guess = guessModel(name)
    expect(guess.kind === 'other' && guess.reason).toMatch(reason)
  })

  it('says when a name does not tell the firmware', () => {
    expect(guessModel('8851')).toMatchObject({ assumed: true })
    expect(guessModel('8851-3PCC')).toMatchObject({ assumed: false })
    expect(guessModel('DP-9861')).toMatchObject({ assumed: false })
  })
})

describe('device lists', () => {
  const fusion = {
    device_mac_address: '00:0e:08:aa:bb:01',
    device_vendor: 'cisco',
    device_template: 'cisco/8851',
    device_label: 'Front',
    device_enabled: 'true',
  }
  const line = {
    line_number: '1',
    server_address: 'pbx.example.com',
    user_id: '1001',
    auth_id: '1001',
    password: 'made-up',
    display_name: 'Ann',
    sip_port: '5061',
    sip_transport: 'tcp',
    enabled: 'true',
  }

  it('reads the export of FusionPBX with its lines', () => {
    const list = readDeviceList(
      [
        { ...fusion, ...line },
        { ...fusion, ...line, line_number: '2', user_id: '1002' },
      ],
      new Map([['000e08aabb01', 'FCH2305DMH0']]),
    )
    expect(list).toMatchObject({
      format: 'fusionpbx',
      devices: [
        {
          mac: '000e08aabb01',
          model: 'CP-8851-3PCC',
          modelAssumed: true,
          serial: 'FCH2305DMH0',
          label: 'Front',
          lines: [
            { index: 1, domain: 'pbx.example.com:5061', transport: 'TCP' },
            { index: 2, userId: '1002' },
          ],
        },
      ],
      problems: [],
    })
  })

  it('reads the newer name of the MAC column', () => {
    const { device_mac_address, ...rest } = fusion
    expect(readDeviceList([{ ...rest, device_address: device_mac_address }])?.devices.length).toBe(1)
  })

  it('reads the devices of wazo-confd', () => {
    const list = readDeviceList([
      {
        mac: '00:0e:08:aa:bb:02',
        model: '8841',
        vendor: 'Cisco',
        sn: 'FCH2305DMH1',
        ip: '10.0.0.1',
        template_id: 'x',
        description: 'Desk',
      },
    ])
    expect(list).toMatchObject({
      format: 'wazo',
      devices: [{ mac: '000e08aabb02', model: 'CP-8841-3PCC', serial: 'FCH2305DMH1', label: 'Desk' }],
      problems: [],
    })
  })

  it.each([
    ['bad-mac', { ...fusion, device_mac_address: 'nonsense' }],
    ['no-mpp-phone', { ...fusion, device_template: 'cisco/spa504g' }],
    ['no-mpp-phone', { ...fusion, device_vendor: 'yealink' }],
    ['disabled', { ...fusion, device_enabled: 'false' }],
    ['bad-line', { ...fusion, ...line, server_address: 'a b' }],
    ['bad-line', { ...fusion, ...line, line_number: '99' }],
    ['serial-missing', fusion],
  ])('names %s with its row', (code, record) => {
    const problems = readDeviceList([{ ...fusion, device_mac_address: '000e08aabb09' }, record])?.problems ?? []
    expect(problems.filter(({ row }) => row === 2).map((each) => each.code)).toContain(code)
  })

  it('counts a doubled MAC once', () => {
    const list = readDeviceList([fusion, { ...fusion, device_mac_address: '000E.08AA.BB01', device_label: 'Again' }])
    expect(list?.devices.map(({ label }) => label)).toEqual(['Front'])
    expect(list?.problems.map(({ code }) => code)).toContain('doubled-mac')
  })

  it('refuses other columns, and reads so many rows and no more', () => {
    expect(readDeviceList([{ name: 'x', serial: 'y' }])).toBeUndefined()
    expect(readDeviceList([])).toBeUndefined()
    const many = Array.from({ length: LIST_ROWS_MAX + 1 }, () => fusion)
    expect(readDeviceList(many)?.problems.at(-1)?.code).toBe('too-many')
  })
})
