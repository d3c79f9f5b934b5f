import { execFileSync } from 'node:child_process'
import { request as httpRequest } from 'node:http'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import type { MacAddress } from '../../protocol/identity.ts'
import { createKeypadCode, KEYPAD_CODE_S, KEYPAD_CODES_MAX } from '../store/mod.ts'
import { certifiedFetch, freshMac, plant, plantSecretsOf, PN, PUBLIC_HTTP_URL, serialFor } from '../testing.ts'
import { type CallOptions, openTestApi } from './testing.ts'
import { dump } from './testing-things.ts'

const api = await openTestApi()
const { platform } = api
// A default port, which nobody should have to type.
platform.setPublicUrls({ https: 'https://phones.example.com:443', http: PUBLIC_HTTP_URL })
const account = await accountOf('Müller & Söhne')

async function call(method: string, path: string, options: CallOptions = {}) {
  const answer = await api.call(method, `/api/v1/${path}`, options)
  if (answer.json?.code !== undefined) plant(answer.json.code)
  return answer
}

async function accountOf(name: string): Promise<string> {
  const made = await call('POST', 'accounts', { body: { name } })
  expect(made.status).toBe(201)
  return made.json.id
}

async function phoneOf(accountId: string | undefined): Promise<MacAddress> {
  const mac = freshMac()
  const body = { mac, serial: serialFor(mac), model: PN, ...(accountId === undefined ? {} : { accountId }) }
  expect((await call('POST', 'devices', { body })).status).toBe(201)
  return mac
}

async function kindOf(code: string, mac: MacAddress): Promise<string> {
  const { kind } = await certifiedFetch(platform, `/cisco-init/${code}`, mac)
  await plantSecretsOf(platform)
  return kind
}

/** Its bytes, which `call` would take for text. */
async function pdfOf(path: string, headers: Readonly<Record<string, string>> = {}) {
  const token = await api.tokenFor(['stage'])
  const response = await fetch(`${api.base}/api/v1/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, ...headers },
  })
  const bytes = Buffer.from(await response.arrayBuffer())
  return { status: response.status, headers: response.headers, bytes }
}

describe('a keypad sheet for an account [guide: Manually Provision a Phone from the Keypad]', () => {
  it('tells the code once, the rule as it is typed, the steps, and when it ends', async () => {
    const { status, json, headers } = await call('POST', `accounts/${account}/keypad-sheets`, { body: {} })
    expect(status).toBe(201)
    expect(json.code).toMatch(/^[0-9]{10}$/)
    expect(json.rule === `https://phones.example.com/cisco-init/${json.code}`).toBe(true)
    expect(json.mac).toBeNull()
    const lives = Date.parse(json.expiresAt) - Date.now()
    expect(Math.abs(lives - KEYPAD_CODE_S * 1000)).toBeLessThan(30_000)
    expect(json.steps.some((step: string) => step.includes(json.rule))).toBe(true)
    expect(json.text.includes(json.rule) && json.text.includes('Müller & Söhne')).toBe(true)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(JSON.stringify(await dump(api)).includes(json.code)).toBe(false)
  })

  it('binds the phone at which it is typed', async () => {
    const { json } = await call('POST', `accounts/${account}/keypad-sheets`)
    const mac = freshMac()
    expect(await kindOf(json.code, mac)).toBe('bytes')
    expect((await call('GET', `devices/${mac}`)).json).toMatchObject({ state: 'bound', accountId: account })
  })

  it('is among the codes of the account, without its digits, and can be revoked there', async () => {
    const { json } = await call('POST', `accounts/${account}/keypad-sheets`)
    const listed = await call('GET', `accounts/${account}/codes?limit=1000`)
    expect(listed.json.items).toContainEqual(
      expect.objectContaining({ id: json.id, state: 'open', devices: 1, keypad: true, mac: null }),
    )
    expect(listed.text.includes(json.code)).toBe(false)
    expect((await call('DELETE', `accounts/${account}/codes/${json.id}`)).status).toBe(204)
    expect(await kindOf(json.code, freshMac())).toBe('refusal')
  })

  it('goes where the public URL says, whatever Host the request names', async () => {
    const request = httpRequest(`${api.base}/api/v1/accounts/${account}/keypad-sheets`, {
      method: 'POST',
      headers: { host: 'evil.example', authorization: `Bearer ${await api.tokenFor(['stage'])}` },
    })
    request.end()
    const body = await new Promise<string>((resolve, reject) => {
      request.on('response', (response) => resolve(text(response)))
      request.on('error', reject)
    })
    plant(JSON.parse(body).code)
    expect(JSON.parse(body).rule.startsWith('https://phones.example.com/cisco-init/')).toBe(true)
    expect(body.includes('evil')).toBe(false)
  })

  it.each([8, 9, 10])('may have %i digits', async (digits) => {
    const { json } = await call('POST', `accounts/${account}/keypad-sheets`, { body: { digits } })
    expect(json.code).toMatch(new RegExp(`^[0-9]{${digits}}$`))
  })

  it.each([7, 11, 8.5, '9', null])('is refused with %j digits', async (digits) => {
    const { status, json } = await call('POST', `accounts/${account}/keypad-sheets`, { body: { digits } })
    expect([status, json.type]).toEqual([422, 'not-valid'])
  })
})

describe('its form', () => {
  const FORMS: readonly [string, string | undefined, string][] = [
    ['', undefined, 'application/json'],
    ['', '*/*', 'application/json'],
    ['', 'text/plain', 'text/plain'],
    ['', 'text/html, text/plain;q=0.8, application/pdf', 'text/plain'],
    ['', 'Application/PDF', 'application/pdf'],
    ['?format=json', 'application/pdf', 'application/json'],
    ['?format=text', undefined, 'text/plain'],
    ['?format=pdf', 'application/json', 'application/pdf'],
    ['', 'constructor', 'application/json'],
  ]
  it.each(FORMS)('with the query "%s" and Accept %j is %s', async (query, accept, type) => {
    const id = await accountOf('Forms')
    const answer = await pdfOf(`accounts/${id}/keypad-sheets${query}`, accept === undefined ? {} : { accept })
    expect(answer.status).toBe(201)
    expect(answer.headers.get('content-type')?.split(';')[0]).toBe(type)
    if (type !== 'application/pdf') plant(/cisco-init\/([0-9]{10})/.exec(answer.bytes.toString())?.[1] ?? 'none')
  })

  it('as PDF is one page with the rule on it', async () => {
    const mac = await phoneOf(account)
    const { headers, bytes } = await pdfOf(`devices/${mac}/keypad-sheets?format=pdf`)
    expect(headers.get('content-disposition')).toMatch(/^inline; filename="keypad-code_[0-9a-f]{32}\.pdf"$/)
    const page = execFileSync('pdftotext', ['-layout', '-', '-'], { input: bytes, encoding: 'utf8' })
    const rules = page
      .split('\n')
      .filter((row) => /^ *https:\/\/phones\.example\.com\/cisco-init\/[0-9]{10}$/.test(row))
    plant(rules[0]?.trim().slice(-10) ?? 'none')
    expect(rules.length).toBeGreaterThan(0)
    expect(page.includes(mac.toUpperCase().replace(/(..)(?!$)/g, '$1:'))).toBe(true)
    expect(page.split('\f')).toHaveLength(2)
  })

  it.each(['', '?format=pdf'])('with an Idempotency-Key it is the same sheet twice (%s)', async (query) => {
    const id = await accountOf('Twice')
    const token = await api.tokenFor(['stage'])
    const asked = async () => {
      const response = await fetch(`${api.base}/api/v1/accounts/${id}/keypad-sheets${query}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'idempotency-key': `sheet-${query}` },
      })
      return Buffer.from(await response.arrayBuffer())
    }
    const first = await asked()
    if (query === '') plant(JSON.parse(first.toString()).code)
    expect(first.equals(await asked())).toBe(true)
    expect((await call('GET', `accounts/${id}/codes`)).json.items).toHaveLength(1)
  })
})

describe('a keypad sheet for a device', () => {
  it('is for that phone and no other', async () => {
    const mac = await phoneOf(account)
    const { status, json } = await call('POST', `devices/${mac}/keypad-sheets`, { body: {} })
    expect([status, json.mac]).toEqual([201, mac])
    expect(json.text).toContain(mac.toUpperCase().replace(/(..)(?!$)/g, '$1:'))
    expect(await kindOf(json.code, freshMac())).toBe('refusal')
    expect(await kindOf(json.code, mac)).toBe('bytes')
    const plainCode = await call('POST', `accounts/${account}/codes`, { body: {} })
    const listed = await call('GET', `accounts/${account}/codes?limit=1000`)
    expect(listed.json.items).toContainEqual(expect.objectContaining({ id: json.id, keypad: true, mac, usedBy: [mac] }))
    expect(listed.json.items).toContainEqual(
      expect.objectContaining({ id: plainCode.json.id, keypad: false, mac: null }),
    )
    expect((await call('GET', `devices/${mac}`)).json).toMatchObject({ state: 'bound', accountId: account })
  })

  it('is made for a bound phone, also in a batch that was shipped', async () => {
    const mac = await phoneOf(account)
    const batch = (await call('POST', 'batches', { body: { accountId: account, name: 'Gone' } })).json.id
    await call('POST', `batches/${batch}/devices`, { body: { macs: [mac] } })
    const { json } = await call('POST', `devices/${mac}/keypad-sheets`)
    expect(await kindOf(json.code, mac)).toBe('bytes')
    // However ready its phones are: what counts here is that it is shipped.
    await platform.change((sql) =>
      sql.run({
        name: 'test-ship',
        text: `update batch set state = 'shipped', shipped_at = now() where id = $1`,
        values: [batch],
      }),
    )
    expect((await call('GET', `batches/${batch}`)).json.state).toBe('shipped')
    const again = await call('POST', `devices/${mac}/keypad-sheets`)
    expect(again.status).toBe(201)
    expect(await kindOf(again.json.code, mac)).toBe('bytes')
  })

  it('is refused for a phone that a code could not bring in, with what to do', async () => {
    const unowned = await phoneOf(undefined)
    const disabled = await phoneOf(account)
    expect((await call('POST', `devices/${disabled}/disable`)).status).toBe(200)
    const held = freshMac()
    const { customerId } = (await call('GET', `accounts/${account}`)).json
    await call('POST', `accounts/${account}/windows`, { body: { seconds: 60, devices: 1 } })
    expect(await kindOf(customerId, held)).toBe('bytes')
    const cases = [
      [unowned, 409, 'device-of-nobody', 'account'],
      [disabled, 409, 'wrong-state', 'Enable it first'],
      [held, 409, 'wrong-state', 'Confirm it'],
      [freshMac(), 404, 'not-found', 'device'],
    ] as const
    for (const [mac, status, type, advice] of cases) {
      const { json } = await call('POST', `devices/${mac}/keypad-sheets`)
      expect(json).toMatchObject({ status, type })
      expect(json.detail).toContain(advice)
    }
  })
})

describe('a Customer ID', () => {
  const TAKEN = { status: 409, json: { type: 'customer-id-taken' } }

  it('is not made, changed or imported as a code that may still be typed, and is when that is over', async () => {
    const { json: sheet } = await call('POST', `accounts/${account}/keypad-sheets`, { body: { digits: 8 } })
    const customerId = sheet.code
    const made = await call('POST', 'accounts', { body: { name: 'Twin', customerId } })
    expect(made).toMatchObject(TAKEN)
    // In one message for both, so that nobody finds codes by it.
    const { customerId: used } = (await call('GET', `accounts/${account}`)).json
    const doubled = await call('POST', 'accounts', { body: { name: 'Twin', customerId: used } })
    expect(made.json.detail.replace(customerId, used) === doubled.json.detail).toBe(true)
    const other = await accountOf('Other')
    expect(await call('PATCH', `accounts/${other}`, { body: { customerId } })).toMatchObject(TAKEN)
    const csv = `customerId,name\n${customerId},Twin\n`
    const imported = await call('POST', 'import/accounts', { body: csv, headers: { 'content-type': 'text/csv' } })
    expect(imported.json.problems).toMatchObject([{ code: 'customer-id-taken' }])
    expect((await call('DELETE', `accounts/${account}/codes/${sheet.id}`)).status).toBe(204)
    expect((await call('PATCH', `accounts/${other}`, { body: { customerId } })).status).toBe(200)
  })

  it('and a code that are made at the same moment are never the same', async () => {
    const accountId = await accountOf('Race')
    const draws = Array.from({ length: KEYPAD_CODES_MAX }, (_, index) => String(47_110_000 + index))
    for (const text of draws) {
      const code = platform.change((tx) =>
        createKeypadCode(tx, 'test', { accountId, digits: 8, mac: freshMac() }, () => text),
      )
      const [drawn, named] = await Promise.allSettled([
        code,
        call('POST', 'accounts', { body: { name: 'Twin', customerId: text } }),
      ])
      const isCode = drawn.status === 'fulfilled' && drawn.value.ok
      const isAccount = named.status === 'fulfilled' && named.value.status === 201
      expect([isCode, isAccount].filter(Boolean)).toHaveLength(1)
    }
  })
})

describe('who may make one, and how many', () => {
  it.each([
    ['stage', 201],
    ['write', 201],
    ['read', 403],
    ['secrets', 403],
  ] as const)('a token with the scope %s gets %i', async (scope, status) => {
    const token = await api.tokenFor([scope])
    expect((await call('POST', `accounts/${account}/keypad-sheets`, { token })).status).toBe(status)
    const mac = await phoneOf(account)
    expect((await call('POST', `devices/${mac}/keypad-sheets`, { token })).status).toBe(status)
  })

  it('an account has so many at a time; then 429 says what to do and when to come again', async () => {
    const id = await accountOf('Busy')
    const sheet = () => call('POST', `accounts/${id}/keypad-sheets`)
    const made = []
    for (let count = 0; count < KEYPAD_CODES_MAX; count++) made.push(await sheet())
    expect(made.map(({ status }) => status)).toEqual(made.map(() => 201))
    const refused = await sheet()
    expect(refused).toMatchObject({ status: 429, json: { type: 'too-many-keypad-codes' } })
    expect(refused.json.detail).toContain('revoke')
    const retry = Number(refused.headers.get('retry-after'))
    expect(retry > KEYPAD_CODE_S - 60 && retry <= KEYPAD_CODE_S).toBe(true)
    expect((await call('DELETE', `accounts/${id}/codes/${made[0]?.json.id}`)).status).toBe(204)
    expect((await sheet()).status).toBe(201)
    expect((await sheet()).status).toBe(429)
  })
})
