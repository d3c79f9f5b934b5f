import { describe, expect, it } from 'vitest'
import { addressOfDoors, discoverySettings } from './asked.ts'
import { DEFAULT_MODELS } from './wanted.ts'

const doors = {
  address: '192.0.2.10',
  tftpPort: 69,
  publicUrl: 'https://prov.example.com',
  publicHttpUrl: 'http://prov.example.com',
  acsUrl: 'https://prov.example.com:7548/',
}

describe('the settings of what somebody asks for', () => {
  it('are whole when nothing is asked: TFTP where it has its own port', () => {
    expect(discoverySettings(doors, {})).toEqual({
      server: { address: '192.0.2.10', host: 'prov.example.com' },
      nps: {
        options: [66],
        tftpPort: 69,
        httpUrl: 'http://prov.example.com',
        httpsUrl: 'https://prov.example.com',
        scheme: 'tftp',
      },
      models: DEFAULT_MODELS,
      subnets: [],
      ipv6: false,
    })
  })

  it('name HTTP where TFTP has another port, and what was asked in any case', () => {
    expect(discoverySettings({ ...doors, tftpPort: 6969 }, {}).nps).toMatchObject({ options: [66], scheme: 'http' })
    expect(discoverySettings(doors, { scheme: 'https' }).nps.scheme).toBe('https')
    expect(discoverySettings(doors, { options: [] }).nps.options).toEqual([])
  })

  it('have no name where the URL names an address', () => {
    for (const publicUrl of ['https://192.0.2.10:8443', 'https://[2001:db8::1]']) {
      expect(discoverySettings({ ...doors, publicUrl }, {}).server).toEqual({ address: '192.0.2.10' })
    }
  })

  it('hold what was asked', () => {
    const asked = discoverySettings(doors, {
      options: [159],
      acs: { provisioningCode: 'P' },
      voiceVlan: { id: 20 },
      models: ['CP-8851-3PCC'],
      addressV6: '2001:db8::10',
    })
    expect(asked).toMatchObject({
      server: { addressV6: '2001:db8::10' },
      nps: { options: [159] },
      acs: { url: 'https://prov.example.com:7548/', provisioningCode: 'P' },
      voiceVlan: { id: 20, option: 132 },
      models: ['CP-8851-3PCC'],
      ipv6: true,
    })
  })

  it('name the ACS of our door, or the one that was asked for', () => {
    const url = 'https://acs.example.net:7547/cwmp'
    expect(discoverySettings(doors, { acs: {} }).acs).toEqual({ url: 'https://prov.example.com:7548/' })
    expect(discoverySettings(doors, { acs: { url: undefined } }).acs?.url).toBe('https://prov.example.com:7548/')
    expect(discoverySettings(doors, { acs: { url, retryMultiplier: 2000 } }).acs).toEqual({
      url,
      retryMultiplier: 2000,
    })
  })
})

describe('the address of the doors', () => {
  const interfaces = {
    lo: [{ address: '127.0.0.1', family: 'IPv4', internal: true }],
    eth0: [
      { address: 'fe80::1', family: 'IPv6', internal: false },
      { address: '169.254.7.7', family: 'IPv4', internal: false },
      { address: '192.0.2.7', family: 'IPv4', internal: false },
      { address: '192.0.2.8', family: 'IPv4', internal: false },
    ],
  }
  it.each([
    ['https://198.51.100.1:8443', '0.0.0.0', '198.51.100.1'],
    ['https://prov.example.com', '198.51.100.2', '198.51.100.2'],
    ['https://prov.example.com', '0.0.0.0', '192.0.2.7'],
    ['https://127.0.0.1', '::', '192.0.2.7'],
    [undefined, '0.0.0.0', '192.0.2.7'],
  ])('of %s on %s is %s', (publicUrl, host, address) => {
    expect(addressOfDoors(publicUrl, host, interfaces)).toBe(address)
  })

  it('is unknown on a machine that has only itself', () => {
    expect(addressOfDoors('https://localhost', '0.0.0.0', { lo: interfaces.lo, dummy: undefined })).toBeUndefined()
  })
})
