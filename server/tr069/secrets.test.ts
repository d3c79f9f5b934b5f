import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CWMP_NAMESPACE, type CwmpBody } from '../../protocol/cwmp/mod.ts'
import { isSecretPath, maskMessage, withoutSecrets } from './secrets.ts'

const SEED = 69
const NAMES = [
  'Password',
  'ConnectionRequestPassword',
  'KeyPassphrase',
  'PreSharedKey',
  'WEPKey',
  'SharedSecret',
  'PIN',
  'X_AuthKey',
  'Token',
]
const branch = fc
  .array(fc.stringMatching(/^[A-Za-z0-9_]{1,8}$/), { minLength: 1, maxLength: 5 })
  .map((parts) => `${parts.join('.')}.`)
const path = fc.tuple(branch, fc.constantFrom(...NAMES)).map(([before, name]) => `X.${before}${name}`)
/** Never a part of anything else that is shown. */
const value = fc.stringMatching(/^[a-z0-9]{8}$/).map((text) => `~${text}~`)

function masked(body: CwmpBody): string {
  return JSON.stringify(maskMessage({ id: '1', namespace: CWMP_NAMESPACE, headers: {}, body }))
}

describe('a secret', () => {
  it.each([
    ['Device.ManagementServer.Password', true],
    ['Device.ManagementServer.ConnectionRequestPassword', true],
    ['Device.Services.VoiceService.1.VoiceProfile.1.Line.1.SIP.AuthPassword', true],
    ['Device.ManagementServer.Username', false],
    ['Device.Services.VoiceService.1.X_CISCO_PhoneSetting.ProgramSoftkeys.PSK1', false],
    ['InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.PreSharedKey.1.PreSharedKey', true],
    ['Device.PasswordPolicy.MinLength', false],
  ])('is %s: %s', (path, expected) => {
    expect(isSecretPath(path)).toBe(expected)
  })

  it('is shown in no task, whatever its path and value', () => {
    fc.assert(
      fc.property(path, value, (path, value) => {
        const set = withoutSecrets({ kind: 'set-values', values: [{ path, value }] })
        const load = withoutSecrets({
          kind: 'download',
          file: 'firmware',
          url: `https://me:${value}@a.example/x?token=${value}#${value}`,
          password: value,
          version: `https://me:${value}@a.example/x?${value}`,
        })
        expect(JSON.stringify([set, load])).not.toContain(value)
      }),
      { seed: SEED },
    )
  })

  it('is kept of no message, whatever its path and value', () => {
    fc.assert(
      fc.property(path, value, (name, value) => {
        const parameters = [{ name, type: 'string' as const, value }]
        const parameterFaults = [{ name, code: 9007, text: `not ${value}` }]
        const shown = [
          masked({ kind: 'SetParameterValues', parameters, parameterKey: '' }),
          masked({ kind: 'GetParameterValuesResponse', parameters }),
          masked({ kind: 'Fault', code: 9003, text: `no ${value}`, parameterFaults }),
          masked({
            kind: 'Download',
            commandKey: 'k',
            fileType: '1 Firmware Upgrade Image',
            url: `https://u:${value}@a.example/?${value}`,
            username: 'u',
            password: value,
            fileSize: 0,
            targetFileName: '',
            delaySeconds: 0,
            successUrl: '',
            failureUrl: '',
          }),
        ]
        expect(shown.join('\n')).not.toContain(value)
      }),
      { seed: SEED },
    )
  })
})
