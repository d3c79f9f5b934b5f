import { describe, expect, it } from 'vitest'
import { assert } from '../protocol/result.ts'
import { ANY_PORTS, readSettings, type SettingOptions } from './config.ts'

function portsOf(options: SettingOptions): Readonly<Record<string, unknown>> {
  const read = readSettings({}, options)
  assert(read.ok, 'the settings are right')
  return Object.fromEntries(Object.entries(read.value).filter(([name]) => name.endsWith('Port')))
}

describe('the ports of the server', () => {
  it('are these where nobody names any, the standard ones where those are asked for', () => {
    const usual = {
      apiPort: 8000,
      httpPort: 8080,
      httpsPort: 8443,
      tftpPort: 6969,
      acsPort: 7547,
      acsTlsPort: 7548,
      syslogPort: 5514,
      sipPort: 5070,
    }
    expect(portsOf({})).toEqual(usual)
    expect(portsOf({ STANDARD_PORTS: true })).toEqual({ ...usual, httpPort: 80, httpsPort: 443, tftpPort: 69 })
  })

  it('are all free to choose for a server beside others', () => {
    const ports = portsOf(ANY_PORTS)
    expect(Object.keys(ports)).toHaveLength(Object.keys(ANY_PORTS).length)
    expect(new Set(Object.values(ports))).toEqual(new Set([0]))
  })
})
