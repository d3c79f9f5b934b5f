/**
 * Every operation of the API, asked by the administrator of one customer about things of its own and of another. A route
 * that is missing here fails the test: somebody has to think about whose things it shows.
 */
import { describe, expect, it } from 'vitest'
import { freshMac, PN, serialFor } from '../testing.ts'
import { type Answer, openTestApi } from './testing.ts'
import { speedDial, type Things, thingsOf } from './testing-things.ts'

interface Ask {
  readonly path?: Readonly<Record<string, string | number>>
  readonly query?: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

interface Route {
  /** The request about one account's things; a list names none. */
  readonly ask: (of: Things) => Ask
  /** Own things and foreign ones in one request, which must be refused. */
  readonly mixed?: (own: Things, foreign: Things) => readonly Ask[]
  /** What it answers about own things; a 2xx unless told otherwise. */
  readonly status?: number
}

/** Names nothing of any account; asked as it is, and with filters that name foreign things. */
function list(...filters: readonly ((foreign: Things) => string)[]): Route {
  return { ask: () => ({}), mixed: (_own, foreign) => filters.map((filter) => ({ query: filter(foreign) })) }
}
const account: Route['ask'] = (of) => ({ path: { id: of.account } })
const mac: Route['ask'] = (of) => ({ path: { mac: of.mac } })
const about = (ask: Route['ask'], mixed?: Route['mixed']): Route => ({ ask, ...(mixed === undefined ? {} : { mixed }) })
/** Belongs to the whole platform. */
const all = (request: Ask = {}): Route => ({ ask: () => request, status: 403 })
const layer = (body?: unknown): Route => ({
  ask: (of) => ({ path: { scope: 'account', id: of.account }, body }),
  mixed: (_own, foreign) => [
    { path: { scope: 'device', id: foreign.mac }, body },
    { path: { scope: 'device', id: foreign.held }, body },
    { path: { scope: 'batch', id: foreign.batch }, body },
    { path: { scope: 'model', id: PN }, body },
    { path: { scope: 'platform', id: '-' }, body },
  ],
})
const newPhone = () => {
  const fresh = freshMac()
  return { mac: fresh, serial: serialFor(fresh), model: PN }
}
const parameters = { Station_Name: { value: 'x' } }
const ACCOUNT_ROUTES: Readonly<Record<string, Route>> = {
  'POST /api/v1/accounts': about((of) => ({ body: { name: 'New', parentId: of.account } })),
  'GET /api/v1/accounts': list(
    (foreign) => `parentId=${foreign.account}`,
    (foreign) => `q=${foreign.word}`,
  ),
  'GET /api/v1/accounts/{id}': about(account),
  'PATCH /api/v1/accounts/{id}': about(
    (of) => ({ path: { id: of.below }, body: { name: 'Other' } }),
    (own, foreign) => [
      { path: { id: own.below }, body: { parentId: foreign.account } },
      { path: { id: own.below }, body: { parentId: null } },
      { path: { id: own.below }, body: { customerId: foreign.customerId } },
    ],
  ),
  'DELETE /api/v1/accounts/{id}': about((of) => ({ path: { id: of.below } })),
  'GET /api/v1/accounts/{id}/tree': about(account),
  'PATCH /api/v1/accounts/{id}/settings': about((of) => ({ ...account(of), body: { delivery: 'sealed' } })),
  'POST /api/v1/accounts/{id}/lines': about((of) => ({
    ...account(of),
    body: { userId: '77', domain: 'sip.example.com', password: 'not a secret' },
  })),
  'GET /api/v1/accounts/{id}/lines': about((of) => ({ ...account(of), query: 'reveal=true' })),
  'GET /api/v1/lines': list(
    (foreign) => `accountId=${foreign.account}&reveal=true`,
    (foreign) => `q=${foreign.word}`,
    () => 'reveal=true',
  ),
  'GET /api/v1/lines/{id}': about((of) => ({ path: { id: of.line }, query: 'reveal=true' })),
  'DELETE /api/v1/lines/{id}': about((of) => ({ path: { id: of.line } })),
  'PATCH /api/v1/lines/{id}': about((of) => ({ path: { id: of.line }, body: { rotatePassword: true } })),
  'POST /api/v1/lines/{id}/assign': about(
    (of) => ({ path: { id: of.freeLine }, body: { mac: of.mac } }),
    (own, foreign) => [
      { path: { id: own.freeLine }, body: { mac: foreign.known } },
      { path: { id: foreign.freeLine }, body: { mac: own.mac } },
    ],
  ),
  'POST /api/v1/lines/{id}/unassign': about((of) => ({ path: { id: of.line } })),
  'POST /api/v1/accounts/{id}/codes': about(
    (of) => ({ ...account(of), body: { lineIds: [of.freeLine] } }),
    (own, foreign) => [{ ...account(own), body: { lineIds: [foreign.freeLine] } }],
  ),
  'GET /api/v1/accounts/{id}/codes': about(account),
  'DELETE /api/v1/accounts/{id}/codes/{codeId}': about(
    (of) => ({ path: { id: of.account, codeId: of.code } }),
    (own, foreign) => [{ path: { id: own.account, codeId: foreign.code } }],
  ),
  'POST /api/v1/accounts/{id}/windows': about((of) => ({ ...account(of), body: { seconds: 60, devices: 1 } })),
  'GET /api/v1/accounts/{id}/windows': about(account),
  'DELETE /api/v1/accounts/{id}/windows/{windowId}': about(
    (of) => ({ path: { id: of.account, windowId: of.window } }),
    (own, foreign) => [{ path: { id: own.account, windowId: foreign.window } }],
  ),
  'GET /api/v1/accounts/{id}/hunt-groups': about(account),
  'GET /api/v1/accounts/{id}/sip-proxy': about(account),
  'PUT /api/v1/accounts/{id}/sip-proxy': about((of) => ({ ...account(of), body: { host: 'proxy.example.com' } })),
  'DELETE /api/v1/accounts/{id}/sip-proxy': about(account),
}

const DEVICE_ROUTES: Readonly<Record<string, Route>> = {
  'POST /api/v1/devices': about(
    (of) => ({ body: { ...newPhone(), accountId: of.account, lineIds: [of.freeLine], batchId: of.batch } }),
    (own, foreign) => [
      { body: { ...newPhone(), accountId: own.account, lineIds: [foreign.freeLine] } },
      { body: { ...newPhone(), accountId: own.account, batchId: foreign.batch } },
      { body: newPhone() },
      ...[foreign.mac, foreign.known, foreign.held, foreign.disabled].map((taken) => ({
        body: { mac: taken, serial: serialFor(taken), model: PN, accountId: own.account },
      })),
    ],
  ),
  'GET /api/v1/devices': list(
    (foreign) => `accountId=${foreign.account}&subtree=true`,
    (foreign) => `batchId=${foreign.batch}`,
    (foreign) => `q=${foreign.mac}`,
    (foreign) => `q=${foreign.word}`,
  ),
  'GET /api/v1/devices/summary': list((foreign) => `accountId=${foreign.account}`),
  'GET /api/v1/devices/{mac}': about(mac, (_own, foreign) => [{ path: { mac: foreign.held } }]),
  'DELETE /api/v1/devices/{mac}': about((of) => ({ path: { mac: of.known } })),
  'PATCH /api/v1/devices/{mac}': about(
    (of) => ({ path: { mac: of.known }, body: { label: 'x', accountId: of.below } }),
    (own, foreign) => [
      { path: { mac: own.known }, body: { accountId: foreign.account } },
      { path: { mac: own.known }, body: { accountId: null } },
      { path: { mac: own.known }, body: { batchId: foreign.batch } },
    ],
  ),
  'POST /api/v1/devices/{mac}/confirm': about((of) => ({ path: { mac: of.held } })),
  'POST /api/v1/devices/{mac}/release': about(mac, (_own, foreign) => [{ path: { mac: foreign.held } }]),
  'POST /api/v1/devices/{mac}/disable': about(mac),
  'POST /api/v1/devices/{mac}/enable': about((of) => ({ path: { mac: of.disabled } })),
  'POST /api/v1/devices/{mac}/rotate-key': about(mac),
  'POST /api/v1/devices/{mac}/replace': about(
    (of) => ({ ...mac(of), body: newPhone() }),
    (own, foreign) =>
      [foreign.mac, foreign.known, foreign.held, foreign.disabled].map((to) => ({
        ...mac(own),
        body: { mac: to, serial: serialFor(to), model: PN },
      })),
  ),
  'GET /api/v1/devices/{mac}/config': about((of) => ({ ...mac(of), query: 'reveal=true' })),
  'GET /api/v1/devices/{mac}/diff': about((of) => ({ ...mac(of), query: 'from=served&to=wanted' })),
  'POST /api/v1/devices/{mac}/passwords/rotate': about(mac),
  'POST /api/v1/devices/{mac}/actions': about((of) => ({ ...mac(of), body: { kind: 'resync', via: 'url' } })),
  'GET /api/v1/devices/{mac}/actions': about(mac),
  'GET /api/v1/devices/{mac}/registration': about(mac),
  'GET /api/v1/devices/{mac}/events': about(mac),
  'GET /api/v1/devices/{mac}/reports': about(mac),
  'GET /api/v1/devices/{mac}/reports/{id}': about(
    (of) => ({ path: { mac: of.mac, id: of.report }, query: 'reveal=true' }),
    (own, foreign) => [{ path: { mac: own.mac, id: foreign.report } }],
  ),
  'GET /api/v1/devices/{mac}/reported': about((of) => ({ ...mac(of), query: 'reveal=true' })),
  'GET /api/v1/devices/{mac}/drift': about(mac),
  'GET /api/v1/devices/{mac}/problem-reports': about(mac),
  'GET /api/v1/problem-reports/{id}/file': about((of) => ({ path: { id: of.prt } })),
  'DELETE /api/v1/problem-reports/{id}': about((of) => ({ path: { id: of.prt } })),
}

const feature = speedDial(7, 'Desk')
const PREPARED_ROUTES: Readonly<Record<string, Route>> = {
  'GET /api/v1/features': list(
    (foreign) => `accountId=${foreign.account}`,
    (foreign) => `scope=account&id=${foreign.account}`,
  ),
  'POST /api/v1/features': about(
    (of) => ({ body: { scope: 'account', id: of.account, feature, acceptProblems: true } }),
    (_own, foreign) => [
      { body: { scope: 'device', id: foreign.mac, feature } },
      { body: { scope: 'device', id: foreign.held, feature } },
      { body: { scope: 'batch', id: foreign.batch, feature } },
    ],
  ),
  'GET /api/v1/features/{id}': about((of) => ({ path: { id: of.feature } })),
  'PUT /api/v1/features/{id}': about((of) => ({ path: { id: of.feature }, body: { feature, acceptProblems: true } })),
  'DELETE /api/v1/features/{id}': about((of) => ({ path: { id: of.feature } })),
  'POST /api/v1/features/check': about(
    (of) => ({ body: { scope: 'account', id: of.account, feature, macs: [of.mac] } }),
    (own, foreign) => [{ body: { scope: 'account', id: own.account, feature, macs: [foreign.mac] } }],
  ),
  'GET /api/v1/layers': list(() => 'scope=account'),
  'PUT /api/v1/layers/{scope}/{id}': layer({ parameters }),
  'GET /api/v1/layers/{scope}/{id}': layer(),
  'DELETE /api/v1/layers/{scope}/{id}': layer(),
  'GET /api/v1/layers/{scope}/{id}/revisions': layer(),
  'POST /api/v1/layers/{scope}/{id}/undo': about(
    (of) => ({ path: { scope: 'account', id: of.account }, body: { revisionId: of.revision } }),
    (own, foreign) => [{ path: { scope: 'account', id: own.account }, body: { revisionId: foreign.revision } }],
  ),
  'PUT /api/v1/layers/{scope}/{id}/draft': layer({ parameters }),
  'GET /api/v1/layers/{scope}/{id}/draft': layer(),
  'DELETE /api/v1/layers/{scope}/{id}/draft': layer(),
  'POST /api/v1/layers/{scope}/{id}/draft/publish': layer({}),
  'POST /api/v1/batches': about((of) => ({ body: { accountId: of.account, name: 'x' } })),
  'GET /api/v1/batches': list(
    (foreign) => `accountId=${foreign.account}`,
    (foreign) => `q=${foreign.word}`,
  ),
  'GET /api/v1/batches/{id}': about((of) => ({ path: { id: of.batch } })),
  'PATCH /api/v1/batches/{id}': about((of) => ({ path: { id: of.batch }, body: { name: 'y' } })),
  'DELETE /api/v1/batches/{id}': about((of) => ({ path: { id: of.emptyBatch } })),
  'POST /api/v1/batches/{id}/devices': about(
    (of) => ({ path: { id: of.batch }, body: { macs: [of.known] } }),
    (own, foreign) => [{ path: { id: own.batch }, body: { macs: [own.known, foreign.known] } }],
  ),
  'DELETE /api/v1/batches/{id}/devices/{mac}': about(
    (of) => ({ path: { id: of.batch, mac: of.batched } }),
    (own, foreign) => [{ path: { id: own.batch, mac: foreign.batched } }],
  ),
  'POST /api/v1/batches/{id}/ship': about((of) => ({ path: { id: of.batch } })),
  'POST /api/v1/batches/{id}/reopen': about((of) => ({ path: { id: of.shippedBatch } })),
}

const profile = '<flat-profile><Station_Name>x</Station_Name></flat-profile>'
const fusion = (phone: string) =>
  `device_mac_address,device_label,device_vendor,device_template\n${phone},Desk,cisco,cisco/8851\n`
const item = (row: Readonly<Record<string, unknown>>): Ask => ({ body: { items: [row] } })
const BULK_ROUTES: Readonly<Record<string, Route>> = {
  'POST /api/v1/import/accounts': about(
    (of) => item({ customerId: of.customerId, name: 'Other' }),
    (_own, foreign) => [item({ customerId: 'new-one', name: 'x', parent: foreign.customerId })],
  ),
  'GET /api/v1/export/accounts': list(() => 'format=json'),
  'POST /api/v1/import/lines': about(
    (of) => item({ account: of.customerId, userId: '99', domain: 'sip.example.com', mac: of.mac }),
    (own, foreign) => [item({ account: own.customerId, userId: '98', domain: 'sip.example.com', mac: foreign.known })],
  ),
  'GET /api/v1/export/lines': list(() => 'format=json&reveal=true'),
  'POST /api/v1/import/devices': about(
    (of) => item({ mac: of.known, label: 'Other', account: of.account, batch: of.batch }),
    (own, foreign) => [
      item({ mac: foreign.known, account: own.account }),
      item({ mac: foreign.held, label: 'x' }),
      item({ mac: foreign.disabled, label: 'x' }),
      item({ mac: own.known, batch: foreign.batch }),
      item(newPhone()),
    ],
  ),
  'GET /api/v1/export/devices': list(() => 'format=json'),
  'POST /api/v1/moving-in/profiles': about(
    (of) => ({ body: { accountId: of.account, files: [{ name: 'a', text: profile, ...newPhone() }], apply: true } }),
    (own) => [{ body: { accountId: own.account, files: [{ name: 'a', text: profile }], modelLayers: true } }],
  ),
  'POST /api/v1/moving-in/devices': about((of) => ({ body: { accountId: of.account, list: fusion(freshMac()) } })),
  'POST /api/v1/lint': about(() => ({ body: { profile } })),
  'GET /api/v1/rc/entries': list(
    (foreign) => `accountId=${foreign.account}`,
    (foreign) => `batchId=${foreign.batch}`,
  ),
  'POST /api/v1/rc/entries': about((of) => ({ body: { macs: [of.mac] } })),
}

const url = 'https://hooks.example.com/x'
const WORK_ROUTES: Readonly<Record<string, Route>> = {
  'POST /api/v1/actions': about((of) => ({ body: { kind: 'resync', via: 'url', accountId: of.account } })),
  'GET /api/v1/actions': list(
    (foreign) => `mac=${foreign.mac}`,
    (foreign) => `bulkId=${foreign.bulk}`,
  ),
  'GET /api/v1/actions/{id}': about((of) => ({ path: { id: of.action } })),
  'POST /api/v1/actions/{id}/cancel': about((of) => ({ path: { id: of.action } })),
  'POST /api/v1/actions/cancel': about((of) => ({ body: { bulkId: of.bulk } })),
  'GET /api/v1/events': list(
    (foreign) => `accountId=${foreign.account}`,
    (foreign) => `mac=${foreign.mac}`,
  ),
  'GET /api/v1/drift': list((foreign) => `accountId=${foreign.account}`),
  'GET /api/v1/alarms': list(
    (foreign) => `accountId=${foreign.account}`,
    (foreign) => `mac=${foreign.mac}`,
  ),
  'POST /api/v1/alarms/{id}/acknowledge': about((of) => ({ path: { id: of.alarm } })),
  'GET /api/v1/audit': list(
    (foreign) => `target=${foreign.mac}`,
    (foreign) => `scope=account&target=${foreign.account}`,
  ),
  'GET /api/v1/webhooks': list((foreign) => `q=${foreign.word}`),
  'POST /api/v1/webhooks': about((of) => ({ body: { url, accountId: of.account } })),
  'GET /api/v1/webhooks/{id}': about((of) => ({ path: { id: of.webhook } })),
  'PATCH /api/v1/webhooks/{id}': about((of) => ({ path: { id: of.webhook }, body: { newSecret: true } })),
  'DELETE /api/v1/webhooks/{id}': about((of) => ({ path: { id: of.webhook } })),
  'POST /api/v1/webhooks/{id}/test': about((of) => ({ path: { id: of.webhook } })),
  'GET /api/v1/webhooks/{id}/deliveries': about((of) => ({ path: { id: of.webhook } })),
  'POST /api/v1/deliveries/{id}/redeliver': about((of) => ({ path: { id: of.delivery } })),
}

const email = () => `u${freshMac()}@example.com`
const ACCESS_ROUTES: Readonly<Record<string, Route>> = {
  'GET /api/v1/tokens': list((foreign) => `q=${foreign.word}`),
  'POST /api/v1/tokens': about((of) => ({ body: { name: 'x', scopes: ['admin', 'secrets'], accountId: of.account } })),
  'DELETE /api/v1/tokens/{id}': about((of) => ({ path: { id: of.token } })),
  'GET /api/v1/users': list((foreign) => `q=${foreign.word}`),
  'POST /api/v1/users': about(
    (of) => ({ body: { email: email(), role: 'reseller', accountId: of.account } }),
    (own, foreign) => [{ body: { email: foreign.email, role: 'customer', accountId: own.account } }],
  ),
  'GET /api/v1/users/{id}': about((of) => ({ path: { id: of.user } })),
  'PATCH /api/v1/users/{id}': about(
    (of) => ({ path: { id: of.user }, body: { name: 'x' } }),
    (own, foreign) => [
      { path: { id: own.user }, body: { accountId: foreign.account } },
      { path: { id: own.user }, body: { accountId: null, role: 'owner' } },
    ],
  ),
  'DELETE /api/v1/users/{id}': about((of) => ({ path: { id: of.user } })),
  'POST /api/v1/session': {
    ask: () => ({ body: { email: 'nobody@example.com', password: 'not a secret' } }),
    status: 401,
  },
  'GET /api/v1/session': list(),
  'DELETE /api/v1/session': { ask: () => ({}), status: 409 },
  'PUT /api/v1/session/password': {
    ask: () => ({ body: { current: 'not a secret', password: 'not a secret either' } }),
    status: 409,
  },
}

const name = { path: { name: 'sip88xx.12-0-1.loads' } }
const PLATFORM_ROUTES: Readonly<Record<string, Route>> = {
  'GET /health': list(),
  'GET /metrics': all(),
  'GET /api/v1/sip-proxy': all(),
  'PUT /api/v1/sip-proxy': all({ body: { host: 'proxy.example.com' } }),
  'DELETE /api/v1/sip-proxy': all(),
  'GET /api/v1/registrar-feed': all(),
  'PUT /api/v1/registrar-feed': all({ body: { url } }),
  'DELETE /api/v1/registrar-feed': all(),
  'GET /api/v1/canaries': all(),
  'POST /api/v1/canaries': all({ body: { mac: '00562bffffff' } }),
  'DELETE /api/v1/canaries/{mac}': all({ path: { mac: '00562bffffff' } }),
  'GET /api/v1/capacity': all(),
  'POST /api/v1/capacity/measure': all(),
  'GET /api/v1/capacity/suggestion': all(),
  'POST /api/v1/capacity/suggestion/apply': all(),
  'POST /api/v1/firmware': all({ query: 'name=x', body: {} }),
  // Any phone may have it.
  'GET /api/v1/firmware': list(),
  'GET /api/v1/firmware/{name}': { ask: () => name, status: 404 },
  'PATCH /api/v1/firmware/{name}': all({ ...name, body: { notes: 'x' } }),
  'DELETE /api/v1/firmware/{name}': all(name),
  'GET /api/v1/device-cas': all(),
  'POST /api/v1/device-cas': all({ body: { name: 'x', pem: 'x' } }),
  'DELETE /api/v1/device-cas/{fingerprint}': all({ path: { fingerprint: 'x' } }),
  'GET /api/v1/server-certificate': all(),
  'GET /api/v1/server-certificates': all(),
  'POST /api/v1/server-certificates': all({ body: { chain: 'x', key: 'x' } }),
  'DELETE /api/v1/server-certificates/{id}': all({ path: { id: 'x' } }),
  'POST /api/v1/server-certificates/csr': all({ body: {} }),
  'PUT /api/v1/server-certificates/{id}/chain': all({ path: { id: 'x' }, body: { pem: 'x' } }),
  'GET /api/v1/acme': all(),
  'PUT /api/v1/acme': all({ body: { directory: 'https://acme.example.com/', hosts: ['a.example.com'] } }),
  'DELETE /api/v1/acme': all(),
  'POST /api/v1/acme/renew': all(),
  'GET /api/v1/expiries': all(),
}

const ROUTES: Readonly<Record<string, Route>> = {
  ...ACCOUNT_ROUTES,
  ...DEVICE_ROUTES,
  ...PREPARED_ROUTES,
  ...BULK_ROUTES,
  ...WORK_ROUTES,
  ...ACCESS_ROUTES,
  ...PLATFORM_ROUTES,
}
/** Looked at below: it does not end by itself. */
const STREAM = 'GET /api/v1/events/stream'
/** Says of each foreign thing in a list that it is not there, instead of refusing the whole. */
const PARTIAL: readonly string[] = ['POST /api/v1/rc/entries']

const api = await openTestApi()
const foreign = await thingsOf(api, 'zulu')
const own = await thingsOf(api, 'mike')

async function askedBy(token: string, route: string, ask: Ask): Promise<Answer> {
  const [method = '', pattern = ''] = route.split(' ')
  const path = pattern.replace(/\{(\w+)\}/g, (_all, name: string) => encodeURIComponent(String(ask.path?.[name])))
  const { body, headers } = ask
  const target = `${path}${ask.query === undefined ? '' : `?${ask.query}`}`
  return api.call(method, target, { token, body, ...(headers === undefined ? {} : { headers }) })
}

/** Every row of every table, but when tokens were used. */
async function dump(): Promise<Readonly<Record<string, string>>> {
  await api.platform.flush()
  const tables = await api.platform.db.query<{ name: string }>({
    name: 'test-tables',
    text: `select c.relname as name from pg_class c where c.relnamespace = 'public'::regnamespace
            and c.relkind in ('r', 'p') and not c.relispartition order by 1`,
    values: [],
  })
  const counts: Record<string, string> = {}
  for (const { name: table } of tables) {
    const row = await api.platform.db.one<{ digest: string | null; count: number }>({
      name: `test-dump-${table}`,
      text: `select count(*) as count, md5(string_agg(x.text, ',' order by x.text)) as digest
               from (select (to_jsonb(t) - 'last_used_at')::text as text from "${table}" t) x`,
      values: [],
    })
    counts[table] = `${row?.count} ${row?.digest}`
  }
  return counts
}

const FOREIGN_TEXTS = Object.values(foreign).filter(
  (value): value is Exclude<typeof value, number> => typeof value === 'string',
)

/** What an answer says of the other account that the question did not say itself. */
function foreignIn(answer: Answer, ask: Ask): readonly string[] {
  const question = JSON.stringify(ask)
  return FOREIGN_TEXTS.filter((text) => answer.text.includes(text) && !question.includes(text))
}

/** Never the answer itself: it may hold what was revealed. */
function told(route: string, { status, json }: Answer): string {
  return `${route}: ${status} ${status < 400 ? '' : `${json?.type} ${json?.detail}`}`
}

async function expectRefused(route: string, ask: Ask): Promise<void> {
  const before = await dump()
  const answer = await askedBy(own.admin, route, ask)
  const found = route.startsWith('GET') && answer.status === 200
  // A filter that names foreign things is refused or finds nothing; secrets that it shows of own things are noted.
  if (!found) expect([403, 404, 409, 422], told(route, answer)).toContain(answer.status)
  expect(foreignIn(answer, ask), told(route, answer)).toEqual([])
  if (!ask.query?.includes('reveal')) expect(await dump(), route).toEqual(before)
}

describe('a token that is limited to an account', () => {
  it('is thought of in every route of the API', async () => {
    const { paths } = (await api.call('GET', '/api/v1/openapi.json')).json
    const known = Object.entries(paths as Readonly<Record<string, object>>).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
    expect([...Object.keys(ROUTES), STREAM].toSorted()).toEqual(known.toSorted())
  })

  const entries = Object.entries(ROUTES)
  it.each(entries)('neither sees nor changes what others have by %s', async (route, { ask, mixed, status }) => {
    const plain = ask(foreign)
    const namesNothing = JSON.stringify(plain) === JSON.stringify(ask(own)) || status !== undefined
    if (!namesNothing && !PARTIAL.includes(route)) {
      const before = await dump()
      const answer = await askedBy(own.admin, route, plain)
      // An import names what is wrong in each row.
      expect(route.includes('/import/') ? [422] : [403, 404], told(route, answer)).toContain(answer.status)
      expect(foreignIn(answer, plain), told(route, answer)).toEqual([])
      expect(await dump(), route).toEqual(before)
    }
    for (const each of mixed?.(own, foreign) ?? []) await expectRefused(route, each)
  })

  it.each(entries)('has what is its own by %s', async (route, { ask, status }) => {
    const things = route.startsWith('GET') || status !== undefined ? own : await thingsOf(api, 'alfa')
    const asked = ask(things)
    const answer = await askedBy(things.admin, route, asked)
    if (status === undefined) expect(answer.status, told(route, answer)).toBeLessThan(300)
    else expect(answer.status, told(route, answer)).toBe(status)
    expect(foreignIn(answer, asked), told(route, answer)).toEqual([])
  })

  it('hears nothing of others on the live stream', async () => {
    const elsewhere = await askedBy(own.admin, STREAM, { query: `accountId=${foreign.account}` })
    expect(elsewhere.status).toBe(404)
    const ended = new AbortController()
    const response = await fetch(`${api.base}/api/v1/events/stream`, {
      headers: { authorization: `Bearer ${own.admin}` },
      signal: ended.signal,
    })
    for (const { account: id, mac: phone } of [foreign, own]) {
      const made = await api.call('POST', `/api/v1/devices/${phone}/rotate-key`)
      expect(made.status, id).toBe(200)
    }
    await api.platform.flush()
    let text = ''
    for await (const bytes of response.body ?? []) {
      text += new TextDecoder().decode(bytes)
      if (text.includes(own.mac)) break
    }
    ended.abort()
    expect(FOREIGN_TEXTS.filter((each) => text.includes(each))).toEqual([])
  })

  it('does not see what an account before asked of a phone', async () => {
    const [before, after] = [await thingsOf(api, 'kilo'), await thingsOf(api, 'lima')]
    await api.call('POST', `/api/v1/devices/${before.mac}/release`)
    const body = { mac: before.mac, serial: serialFor(before.mac), model: PN, accountId: after.account }
    expect((await api.call('POST', '/api/v1/devices', { body })).status).toBe(201)
    const paths = ['actions', 'events', 'reports', 'reported', 'drift', 'problem-reports', 'config', 'registration', '']
    for (const path of paths) {
      const answer = await api.call('GET', `/api/v1/devices/${before.mac}/${path}`.replace(/\/$/, ''), {
        token: after.admin,
      })
      expect(answer.status, path).toBe(200)
      expect(
        [before.account, before.action, 'kilo'].filter((text) => answer.text.includes(text)),
        path,
      ).toEqual([])
    }
  })
})
