import { describe, expect, it } from 'vitest'
import { parseProductName } from '../../protocol/identity.ts'
import { catalogue, validateValue } from '../../protocol/profile/mod.ts'
import { createAgent, DEFAULT_POLICIES, react } from './mod.ts'
import { FACTORY_DEFAULTS, factoryParameters } from './factory-defaults.ts'
import { parameterText } from './parameters.ts'
import { HARDWARE, known } from './testdata/bench.ts'

const V11 = 'sip88xx.11-3-2MPP0001-609'
const V12 = 'sip88xx.12-0-2MPP0001-609'
const LIST = '60,120,240,480,960,1920,3840,7680,15360,30720,61440,86400'

describe('factory defaults', () => {
  it.each<[string, string, string, string, string, string]>([
    // product, load, protocol, error delay, DHCP options, first rule
    ['CP-8851-3PCC', V12, 'Http', LIST, '66,160,159,150,60,43,125', '/$PSN.xml'],
    ['CP-8851-3PCC', V11, 'Http', '3600', '66,160,159,150,60,43,125', '/$PSN.xml'],
    ['CP-7841-3PCC', 'sip78xx.11-0-1MPP-376', 'Http', '3600', '66,160,159,150,60,43,125', '/$PSN.xml'],
    ['DP-9861', 'sip98xx.3-2-1-0001-11', 'Https', '3600', '66,160,159,150', '/$PSN.xml'],
    ['CP-8831-3PCC', 'sip8831.9-3-3-5', 'Http', '3600', '66,160,159,150,60,43,125', '/device.cfg'],
  ])('are the defaults of %s under %s [MPP §5.1, §7.2, §16 rows 3 and 14]', (product, load, ...expected) => {
    const agent = createAgent({ ...HARDWARE, productName: known(parseProductName(product)), factoryLoad: load })
    const elements = ['Enable_Protocol', 'Resync_Error_Retry_Delay', 'DHCP_Option_To_Use', 'Profile_Rule']
    expect(elements.map((element) => parameterText(agent, element))).toEqual(expected)
  })

  it('speak HTTPS from 12.0(3) on only by policy [MPP §7.2]', () => {
    const policies = { ...DEFAULT_POLICIES, httpsByDefault: 'also-from-12.0.3' } as const
    const has = (load: string) => factoryParameters(HARDWARE.productName, load, policies).has('Enable_Protocol')
    expect(['sip88xx.12-0-2MPP0001-609', 'sip88xx.12-0-3MPP0001-1', 'sip88xx.12-0-7MPP0201-66'].map(has)).toEqual([
      false,
      true,
      true,
    ])
  })

  it('are those of the running load after a factory reset, not of the load in the box', () => {
    const made = createAgent({ ...HARDWARE, factoryLoad: V11 })
    const upgraded = {
      ...made,
      flash: { ...made.flash, activeLoad: V12 },
      ram: { ...made.ram, mode: 'running' as const },
    }
    const request = {
      method: 'GET',
      target: '/admin/factory-reset',
      headers: new Map(),
      body: new Uint8Array(0),
      peerAddress: '192.0.2.1',
      tls: false,
    }
    const { agent } = react(upgraded, { kind: 'web-request', id: 1, request }, 1000, () => 0.5)
    expect([agent.flash.activeLoad, parameterText(agent, 'Resync_Error_Retry_Delay')]).toEqual([V12, LIST])
  })

  it('name elements and values that exist', () => {
    for (const { element, value } of FACTORY_DEFAULTS) {
      const parameter = catalogue.find(element)
      expect(parameter === undefined ? 'unknown' : validateValue(parameter, value)).toBeUndefined()
    }
  })
})
