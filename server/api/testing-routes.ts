/** Test support for the API: a good request for every operation, made of the things of one account. */
import { freshMac, PN, serialFor } from '../testing.ts'
import { speedDial, type Things } from './testing-things.ts'

export interface Ask {
  readonly path?: Readonly<Record<string, string | number>>
  readonly query?: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface Route {
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
  'POST /api/v1/accounts/{id}/keypad-sheets': about(account),
  'POST /api/v1/accounts/{id}/windows': about((of) => ({ ...account(of), body: { seconds: 60, devices: 1 } })),
  'GET /api/v1/accounts/{id}/windows': about(account),
  'DELETE /api/v1/accounts/{id}/windows/{windowId}': about(
    (of) => ({ path: { id: of.account, windowId: of.window } }),
    (own, foreign) => [{ path: { id: own.account, windowId: foreign.window } }],
  ),
  'GET /api/v1/accounts/{id}/hunt-groups': about(account),
  'GET /api/v1/accounts/{id}/sip-proxy': about(account),
  'PUT /api/v1/accounts/{id}/sip-proxy': about(
    (of) => ({ ...account(of), body: { host: 'proxy.example.com' } }),
    (own) =>
      ['127.0.0.1', '10.0.0.1', '169.254.169.254', '::1', '[::ffff:127.0.0.1]'].map((host) => ({
        ...account(own),
        body: { host },
      })),
  ),
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
  'POST /api/v1/devices/{mac}/keypad-sheets': about(mac, (_own, foreign) => [
    { path: { mac: foreign.held } },
    { path: { mac: foreign.known } },
  ]),
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
  'POST /api/v1/devices/{mac}/actions': about((of) => ({ ...mac(of), body: { kind: 'resync', via: 'sip' } })),
  'GET /api/v1/devices/{mac}/actions': about(mac),
  'GET /api/v1/devices/{mac}/registration': about(mac),
  'GET /api/v1/devices/{mac}/tr069': about(mac),
  'GET /api/v1/devices/{mac}/tr069/parameters': about((of) => ({ ...mac(of), query: `q=${of.word}` })),
  'GET /api/v1/devices/{mac}/tr069/messages': about(mac),
  'PUT /api/v1/devices/{mac}/tr069/trace': about((of) => ({ ...mac(of), body: { seconds: 600 } })),
  'DELETE /api/v1/devices/{mac}/tr069/trace': about(mac),
  'GET /api/v1/devices/{mac}/tr069/credentials': about(mac),
  'GET /api/v1/devices/{mac}/tr069/tasks': about(mac),
  'POST /api/v1/devices/{mac}/tr069/tasks': about((of) => ({ ...mac(of), body: { kind: 'reboot' } })),
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
  'POST /api/v1/batches/{id}/boxes': about(
    (of) => ({ path: { id: of.batch }, body: { boxes: [{ ...newPhone(), lineId: of.freeLine }] } }),
    // Each box is refused alone.
    (own, foreign) => [
      ...[foreign.mac, foreign.known, foreign.held, foreign.disabled].map((taken) => ({
        path: { id: own.batch },
        body: { boxes: [{ mac: taken, serial: serialFor(taken), model: PN }] },
      })),
      { path: { id: own.batch }, body: { boxes: [{ ...newPhone(), lineId: foreign.freeLine }] } },
    ],
  ),
  'POST /api/v1/batches/{id}/boxes/csv': about((of) => {
    const { mac: phone, serial, model } = newPhone()
    const body = `mac,serial,model\n${phone},${serial},${model}\n`
    return { path: { id: of.batch }, body, headers: { 'content-type': 'text/csv' } }
  }),
  'DELETE /api/v1/batches/{id}/boxes/{mac}': about(
    (of) => ({ path: { id: of.batch, mac: of.batched } }),
    (own, foreign) => [{ path: { id: own.batch, mac: foreign.batched } }],
  ),
  'GET /api/v1/batches/{id}/staging': about((of) => ({ path: { id: of.batch } })),
  'GET /api/v1/batches/{id}/missing': about((of) => ({ path: { id: of.batch }, query: 'format=csv' })),
  'GET /api/v1/batches/{id}/labels.pdf': about(
    (of) => ({ path: { id: of.batch } }),
    (own, foreign) => [{ path: { id: own.batch }, query: `macs=${foreign.batched}` }],
  ),
  'POST /api/v1/batches/{id}/ship': about((of) => ({ path: { id: of.batch }, body: { force: true } })),
  'POST /api/v1/batches/{id}/reopen': about((of) => ({ path: { id: of.shippedBatch } })),
}

const lease = { mac: '00562bfffff0', address: '192.0.2.60', hostName: 'SEP00562BFFFFF0', at: '2026-05-03T10:00:00Z' }
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
  'POST /api/v1/dhcp/config': about(() => ({ body: { for: 'kea', server: '192.0.2.10', tftpPort: 69 } })),
  'POST /api/v1/dhcp/check': about(() => ({ body: { for: 'kea', text: '{}' } })),
  // Names nothing of anybody; what is told of foreign phones is looked at in dhcp.test.ts.
  'POST /api/v1/dhcp/leases': about(() => ({ body: { leases: [lease] } })),
  'GET /api/v1/rc/entries': list(
    (foreign) => `accountId=${foreign.account}`,
    (foreign) => `batchId=${foreign.batch}`,
  ),
  'POST /api/v1/rc/entries': about((of) => ({ body: { macs: [of.mac] } })),
}

const url = 'https://hooks.example.com/x'
const WORK_ROUTES: Readonly<Record<string, Route>> = {
  'POST /api/v1/actions': about((of) => ({ body: { kind: 'resync', via: 'sip', accountId: of.account } })),
  'GET /api/v1/actions': list(
    (foreign) => `mac=${foreign.mac}`,
    (foreign) => `bulkId=${foreign.bulk}`,
  ),
  'GET /api/v1/actions/{id}': about((of) => ({ path: { id: of.action } })),
  'POST /api/v1/actions/{id}/cancel': about((of) => ({ path: { id: of.action } })),
  'POST /api/v1/actions/cancel': about((of) => ({ body: { bulkId: of.bulk } })),
  'GET /api/v1/tr069/tasks': list((foreign) => `mac=${foreign.mac}`),
  'POST /api/v1/tr069/tasks': about(
    (of) => ({ body: { kind: 'reboot', macs: [of.mac] } }),
    (own, foreign) => [{ body: { kind: 'reboot', macs: [own.mac, foreign.mac] } }],
  ),
  'GET /api/v1/tr069/tasks/{id}': about((of) => ({ path: { id: of.task } })),
  'DELETE /api/v1/tr069/tasks/{id}': about((of) => ({ path: { id: of.task } })),
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
  'PUT /api/v1/acme': all({
    body: { directory: 'https://acme.example.com/', hosts: ['a.example.com'], agreeToTerms: true },
  }),
  'DELETE /api/v1/acme': all(),
  'POST /api/v1/acme/renew': all(),
  'GET /api/v1/expiries': all(),
  'GET /api/v1/tr069/unknown': all(),
}

/** By method and path, as the OpenAPI document has them; only the live stream is left out. */
export const ROUTES: Readonly<Record<string, Route>> = {
  ...ACCOUNT_ROUTES,
  ...DEVICE_ROUTES,
  ...PREPARED_ROUTES,
  ...BULK_ROUTES,
  ...WORK_ROUTES,
  ...ACCESS_ROUTES,
  ...PLATFORM_ROUTES,
}
