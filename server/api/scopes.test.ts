/** What the scopes of a token keep it from, in every operation of the API; and that secrets come out nowhere else. */
import { randomBytes } from 'node:crypto'
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { plant, plantSecretsOf } from '../testing.ts'
import { type Answer, openTestApi } from './testing.ts'
import { type Ask, ROUTES } from './testing-routes.ts'
import { dump, thingsOf } from './testing-things.ts'

const logged: string[] = []
const log = pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) })
const api = await openTestApi({ log })
const own = await thingsOf(api, 'papa')
const reader = await api.tokenFor(['read'])
const writer = await api.tokenFor(['write'])
const admin = await api.tokenFor(['admin'])
const stager = await api.tokenFor(['stage'])

async function askedBy(token: string, route: string, ask: Ask): Promise<Answer> {
  const [method = '', pattern = ''] = route.split(' ')
  const path = pattern.replace(/\{(\w+)\}/g, (_all, name: string) => encodeURIComponent(String(ask.path?.[name])))
  const target = `${path}${ask.query === undefined ? '' : `?${ask.query}`}`
  return api.call(method, target, {
    token,
    body: ask.body,
    ...(ask.headers === undefined ? {} : { headers: ask.headers }),
  })
}

const { paths } = (await api.call('GET', '/api/v1/openapi.json')).json

function scopeOf(route: string): string | undefined {
  const [method = '', pattern = ''] = route.split(' ')
  return paths[pattern][method.toLowerCase()].security[0]?.token[0]
}

const routes = Object.keys(ROUTES)
const withoutReveal = (ask: Ask): Ask => {
  if (ask.query?.includes('reveal') !== true) return ask
  const { query: _query, ...rest } = ask
  return rest
}

describe('a token with the scope read', () => {
  it.each(routes)('changes nothing by %s', async (route) => {
    const ask = withoutReveal(ROUTES[route]?.ask(own) ?? {})
    const before = await dump(api)
    const { status } = await askedBy(reader, route, ask)
    const scope = scopeOf(route)
    if (scope !== undefined && scope !== 'read') expect(status).toBe(403)
    else expect(status).not.toBe(403)
    expect(await dump(api)).toEqual(before)
  })
})

/** All that the role `var` and tokens of the scope `stage` may. */
const STAGING: readonly string[] = [
  'GET /api/v1/accounts',
  'GET /api/v1/accounts/{id}',
  'GET /api/v1/batches',
  'POST /api/v1/batches',
  'GET /api/v1/batches/{id}',
  'PATCH /api/v1/batches/{id}',
  'DELETE /api/v1/batches/{id}',
  'POST /api/v1/batches/{id}/boxes',
  'POST /api/v1/batches/{id}/boxes/csv',
  'DELETE /api/v1/batches/{id}/boxes/{mac}',
  'GET /api/v1/batches/{id}/staging',
  'GET /api/v1/batches/{id}/missing',
  'GET /api/v1/batches/{id}/labels.pdf',
  'POST /api/v1/batches/{id}/ship',
  'POST /api/v1/dhcp/leases',
  'POST /api/v1/accounts/{id}/keypad-sheets',
  'POST /api/v1/devices/{mac}/keypad-sheets',
  // About itself.
  'GET /api/v1/session',
  'DELETE /api/v1/session',
  'PUT /api/v1/session/password',
]

describe('a token with the scope stage', () => {
  it.each(routes)('may stage and nothing else: %s', async (route) => {
    const ask = withoutReveal(ROUTES[route]?.ask(own) ?? {})
    const before = await dump(api)
    const { status, json } = await askedBy(stager, route, ask)
    if (scopeOf(route) === undefined || STAGING.includes(route)) return expect(status).not.toBe(403)
    expect(json).toMatchObject({ status: 403, type: 'missing-scope' })
    expect(await dump(api)).toEqual(before)
  })

  it('is named by every route that it opens, and by no other', () => {
    const opened = routes.filter((route) => {
      const [method = '', pattern = ''] = route.split(' ')
      const needs: readonly { token: readonly string[] }[] = paths[pattern][method.toLowerCase()].security
      return needs.some(({ token }) => token.includes('stage'))
    })
    expect(opened.toSorted()).toEqual(STAGING.toSorted())
  })

  it.each(['read', 'secrets', 'write', 'admin'])(
    'reveals nothing and makes no token, whoever else may: %s',
    async (scope) => {
      const body = { name: 'more', scopes: [scope] }
      expect((await api.call('POST', '/api/v1/tokens', { token: stager, body })).status).toBe(403)
      const beside = await api.tokenFor(['stage', 'read'])
      expect((await api.call('GET', `/api/v1/lines/${own.line}?reveal=true`, { token: beside })).status).toBe(403)
    },
  )
})

const REVEALING = [
  `accounts/${own.account}/lines`,
  'lines',
  `lines/${own.line}`,
  `devices/${own.mac}/config`,
  `devices/${own.mac}/config?format=xml`,
  `devices/${own.mac}/reported`,
  `devices/${own.mac}/reports/${own.report}`,
  'export/lines',
]

async function reveals(): Promise<number> {
  const audit = await api.call('GET', '/api/v1/audit?limit=1000')
  return audit.json.items.filter((each: { what: string }) => each.what === 'secrets shown').length
}

describe('the credentials of a TR-069 client', () => {
  it('are shown to the scope secrets only, and that is written down', async () => {
    await plantSecretsOf(api.platform)
    const path = `/api/v1/devices/${own.mac}/tr069/credentials`
    for (const token of [reader, writer]) expect((await api.call('GET', path, { token })).status).toBe(403)
    const before = await reveals()
    const { status, json } = await api.call('GET', path, { token: admin })
    for (const name of ['password', 'connectionRequestPassword']) plant(json[name])
    expect(status).toBe(200)
    expect(json).toMatchObject({ mac: own.mac, username: own.mac, connectionRequestUsername: `offhook-${own.mac}` })
    expect(new Set([json.password, json.connectionRequestPassword]).size).toBe(2)
    expect(await reveals()).toBe(before + 1)
  })
})

describe('secrets', () => {
  it.each(REVEALING)('are shown by %s to the scope secrets only, and that is written down', async (path) => {
    const revealing = `/api/v1/${path}${path.includes('?') ? '&' : '?'}reveal=true`
    for (const token of [reader, writer]) {
      expect(await api.call('GET', revealing, { token })).toMatchObject({
        status: 403,
        json: { type: 'missing-scope' },
      })
    }
    const before = await reveals()
    expect((await api.call('GET', revealing, { token: admin })).status).toBe(200)
    expect(await reveals()).toBeGreaterThan(before)
  })

  it('are in no answer, event, audit entry or line of the log that was not asked to reveal them', async () => {
    const secrets = await plantedEverywhere()
    const found: string[] = []
    const look = (where: string, text: string): void => {
      for (const [name, secret] of secrets) if (text.includes(secret)) found.push(`${name} in ${where}`)
    }
    const reads = routes.filter((route) => route.startsWith('GET') && !/\/(?:file|credentials)$/.test(route))
    for (const route of reads) {
      for (const token of [admin, own.admin]) {
        look(route, (await askedBy(token, route, withoutReveal(ROUTES[route]?.ask(own) ?? {}))).text)
      }
    }
    const more = [
      `devices/${own.mac}/config?format=xml`,
      `devices/${own.mac}/reports/${own.report}?format=xml`,
      `devices/${own.mac}/diff?from=wanted&to=draft`,
      `devices/${own.mac}/tr069/parameters`,
      `layers/device/${own.mac}`,
      `layers/device/${own.mac}/revisions`,
      `layers/device/${own.mac}/draft`,
      'audit?limit=1000',
      'events?limit=1000',
      ...['lines', 'devices', 'accounts'].flatMap((noun) => [`export/${noun}?format=json`, `export/${noun}`]),
    ]
    for (const path of more) look(path, (await api.call('GET', `/api/v1/${path}`, { token: admin })).text)
    look('log', logged.join('\n'))
    expect(found).toEqual([])
  })

  it('are not repeated by problems', async () => {
    const secret = plant(`Zq9-${randomBytes(12).toString('hex')}`)
    const rule = `[--key ${secret} `
    const layer = (name: string, value: string) => ({ parameters: { [name]: { value } } })
    const asks: readonly (readonly [string, string, unknown])[] = [
      ['POST', `accounts/${own.account}/lines`, { userId: 'x', domain: 'no host', password: secret }],
      ['POST', `accounts/${own.account}/lines`, { userId: 'x', domain: 'h', password: `${secret}\n` }],
      ['POST', `accounts/${own.account}/lines`, { userId: 'x', domain: 'h', password: [secret] }],
      ['PATCH', `lines/${own.line}`, { password: secret, rotatePassword: true }],
      ['PUT', 'sip-proxy', { host: 'h', password: secret }],
      ['PUT', 'sip-proxy', { host: '!', user: 'u', password: secret }],
      ['POST', 'session', { email: own.email, password: secret }],
      ['POST', 'users', { email: own.email, role: 'customer', accountId: own.account, password: secret }],
      ['POST', 'webhooks', { url: `https://user:${secret}@example.com/`, accountId: own.account }],
      ['PUT', 'registrar-feed', { url: `http://user:${secret}@127.0.0.1/` }],
      ['PUT', `layers/device/${own.mac}`, layer('Admin_Password', `${secret}\u0001`)],
      ['PUT', `layers/device/${own.mac}`, layer('Admin_Password', secret.repeat(400))],
      ['PUT', `layers/device/${own.mac}`, layer('Profile_Rule', rule)],
      ['PUT', `layers/device/${own.mac}`, layer('GPP_SA', secret)],
      ['PUT', `layers/device/${own.mac}`, layer('Profile_Rule', `[--key ${secret}] https://a.example.com/$MA.cfg`)],
      ['PUT', `layers/device/${own.mac}`, layer('Report_Rule', `[--pwd ${secret}] https://a.example.com/r`)],
      ['PUT', `layers/device/${own.mac}`, layer('Profile_Rule_C', `https://u:${secret}@a.example.com/$MA.cfg`)],
      ['PUT', `layers/device/${own.mac}/draft`, layer('Nothing_Like_It', secret)],
      ['POST', 'lint', { profile: `<flat-profile><Admin_Password>${secret}</Admin_Password></flat-profile>` }],
      ['POST', 'lint', { profile: `<flat-profile><Profile_Rule>${rule}</Profile_Rule></flat-profile>` }],
      ['POST', 'lint', layer('Profile_Rule', rule)],
      ['POST', 'lint', layer('Upgrade_Rule', `(${rule}`)],
      ['POST', 'import/lines', { items: [{ account: 'none', userId: 'x', domain: 'h', password: secret }] }],
      [
        'POST',
        'import/lines',
        { items: [{ account: own.customerId, userId: 'x', domain: 'h', password: `${secret}\n` }] },
      ],
      ['POST', 'server-certificates', { chain: secret, key: secret }],
      ['POST', 'moving-in/devices', { accountId: own.account, list: `mac,${secret}\n1,2\n` }],
    ]
    const telling: string[] = []
    for (const [method, path, body] of asks) {
      const answer = await api.call(method, `/api/v1/${path}`, { token: admin, body })
      if (answer.text.includes(secret)) telling.push(`${method} ${path} ${answer.json.type}`)
    }
    expect(telling).toEqual([])
    expect(logged.filter((line) => line.includes(secret)).length).toBe(0)
  })
})

/** Secrets of every kind that people give or the server makes, by what they are. */
async function plantedEverywhere(): Promise<ReadonlyMap<string, string>> {
  const secrets = new Map<string, string>()
  const made = (name: string): string => {
    const secret = plant(`Zq9-${randomBytes(12).toString('hex')}`)
    secrets.set(name, secret)
    return secret
  }
  const put = async (method: string, path: string, body: unknown): Promise<Answer> => {
    const answer = await api.call(method, `/api/v1/${path}`, { body, headers: { 'idempotency-key': made('key') } })
    expect(answer.status, path).toBeLessThan(300)
    return answer
  }
  const proxy = { host: 'proxy.example.com', user: 'offhook' }
  await put('PUT', 'sip-proxy', { ...proxy, password: made('proxy password') })
  await put('PUT', `accounts/${own.account}/sip-proxy`, { ...proxy, password: made('proxy password of the account') })
  await put('PATCH', `lines/${own.line}`, { password: made('line password') })
  await put('PATCH', `users/${own.user}`, { password: made('user password') })
  const session = await put('POST', 'session', { email: own.email, password: secrets.get('user password') })
  secrets.set('session', plant(session.json.token))
  const hook = await put('PATCH', `webhooks/${own.webhook}`, { newSecret: true })
  secrets.set('webhook secret', plant(hook.json.secret))
  const parameters = {
    Admin_Password: { value: made('layer secret') },
    Profile_Rule: { value: `[--key ${made('key in a rule')}] https://a.example.com/$MA.cfg` },
    Report_Rule: { value: `[--pwd ${made('password in a rule')}] https://a.example.com/r` },
  }
  await put('PUT', `layers/device/${own.mac}`, { parameters })
  await put('PUT', `layers/device/${own.mac}/draft`, { parameters: { User_Password: { value: made('draft secret') } } })
  const value = made('value set by TR-069')
  const values = [{ path: 'Device.ManagementServer.Password', value }]
  await put('POST', `devices/${own.mac}/tr069/tasks`, { kind: 'set-values', values })
  const url = `https://files.example.com/x?token=${made('query of a download')}`
  const download = { kind: 'download', file: 'firmware', url, username: 'u', password: made('download password') }
  await put('POST', `devices/${own.mac}/tr069/tasks`, download)
  const code = await put('POST', `accounts/${own.account}/codes`, {})
  secrets.set('code', plant(code.json.code))
  const list = { items: [{ account: own.customerId, userId: 'i1', domain: 'h', password: made('imported password') }] }
  await put('POST', 'import/lines', list)
  await plantSecretsOf(api.platform)
  for (const [name] of secrets) if (name === 'key') secrets.delete(name)
  return secrets
}
