/** Test support for the API: one of each thing that an account can have, made as its people and phones make them. */
import { gzipSync } from 'node:zlib'
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { expect } from 'vitest'
import {
  openProblemReportStore,
  raiseAlarms,
  recordInforms,
  recordMessages,
  recordParameters,
  storeProblemReport,
} from '../store/mod.ts'
import { certificateOf, certifiedFetch, freshMac, plant, PN, requestOf, serialFor, servedTo } from '../testing.ts'
import type { MacAddress } from '../../protocol/identity.ts'
import type { TestApi } from './testing.ts'

export type Things = Awaited<ReturnType<typeof thingsOf>>

/** Speed dial as the API takes it. */
export function speedDial(key: number, name: string) {
  return { kind: 'speed-dial', place: { kind: 'key', key }, name, number: '9000' }
}

/** @param word stands in names and values of all that has some, so that it is found wherever it comes out */
export async function thingsOf(api: TestApi, word: string) {
  const make = async (path: string, body: unknown, method = 'POST') => {
    const answer = await api.call(method, `/api/v1/${path}`, { body })
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.text}`)
    return answer.json
  }
  const hex = randomBytes(4).toString('hex')
  const customerId = `${word}-${hex}`
  const account: string = (await make('accounts', { name: `${word} shop`, customerId, kind: 'customer' })).id
  const below: string = (await make('accounts', { name: `${word} site`, parentId: account })).id
  const lines = await linesOf(make, account, word)
  const phones = await phonesOf(api, make, { account, customerId, word })
  const batch: string = (await make('batches', { accountId: account, name: `${word} batch` })).id
  await make(`batches/${batch}/devices`, { macs: [phones.batched] })
  const emptyBatch: string = (await make('batches', { accountId: account, name: `${word} empty` })).id
  const shipped: string = (await make('batches', { accountId: account, name: `${word} shipped` })).id
  await make(`batches/${shipped}/devices`, { macs: [phones.shipped] })
  await make(`batches/${shipped}/ship`, { force: true })
  const parameters = { Station_Name: { value: word } }
  const revision: number = (await make(`layers/account/${account}`, { parameters }, 'PUT')).revisionId
  await make(`layers/account/${account}/draft`, { parameters: { Station_Name: { value: `${word} 2` } } }, 'PUT')
  const feature: string = (
    await make('features', { scope: 'account', id: account, feature: speedDial(5, word), acceptProblems: true })
  ).id
  await make(`accounts/${account}/sip-proxy`, { host: `${word}.example.net` }, 'PUT')
  const access = await accessOf(api, make, account, word)
  return {
    word,
    customerId,
    account,
    below,
    ...lines,
    ...phones,
    batch,
    emptyBatch,
    shippedBatch: shipped,
    revision,
    feature,
    ...access,
    ...(await workOf(api, make, { account, mac: phones.mac, word })),
  }
}

type Make = (path: string, body: unknown, method?: string) => Promise<any> // oxlint-disable-line typescript/no-explicit-any -- as in Answer

async function linesOf(make: Make, account: string, word: string) {
  const ids: string[] = []
  for (const userId of ['1', '2']) {
    const password = plant(randomBytes(12).toString('hex'))
    const line = { userId: `${word}${userId}`, domain: 'sip.example.com', password }
    ids.push((await make(`accounts/${account}/lines`, line)).id)
  }
  const [line = '', freeLine = ''] = ids
  return { line, freeLine }
}

/** Phones in each state; `line` is on the bound one. */
async function phonesOf(api: TestApi, make: Make, about: { account: string; customerId: string; word: string }) {
  const { account, customerId, word } = about
  const code = await make(`accounts/${account}/codes`, {})
  plant(code.code)
  const window = await make(`accounts/${account}/windows`, { seconds: 600, devices: 5 })
  const fetchOf = async (path: string, phone: ReturnType<typeof freshMac>) => {
    const { kind } = await certifiedFetch(api.platform, path, phone)
    expect(kind).toBe('bytes')
    return phone
  }
  const known = async (label: string) => {
    const mac = freshMac()
    await make('devices', { mac, serial: serialFor(mac), model: PN, accountId: account, label: `${word} ${label}` })
    return mac
  }
  const mac = await fetchOf(`/cisco-init/${code.code}`, freshMac())
  const held = await fetchOf(`/cisco-init/${customerId}`, freshMac())
  const disabled = await known('disabled')
  await make(`devices/${disabled}/disable`, {})
  const open: string = (await make(`accounts/${account}/codes`, {})).id
  return {
    mac,
    held,
    disabled,
    known: await known('known'),
    batched: await known('batched'),
    shipped: await known('shipped'),
    usedCode: code.id as string,
    code: open,
    window: window.id as string,
  }
}

async function accessOf(api: TestApi, make: Make, account: string, word: string) {
  const made = await make('tokens', { name: `${word} other`, scopes: ['read'], accountId: account })
  plant(made.token)
  const email = `${word}-${randomBytes(4).toString('hex')}@example.com`
  const user: string = (await make('users', { email, role: 'customer', accountId: account })).id
  const hook = await make('webhooks', { url: `https://${word}.example.com/hook`, accountId: account })
  plant(hook.secret)
  const delivery: number = (await make(`webhooks/${hook.id}/test`, {})).id
  const admin = await api.tokenFor(['admin', 'secrets'], { accountId: account })
  return { admin, token: made.id as string, email, user, webhook: hook.id as string, delivery }
}

/** What phones sent, and what was asked of them. */
async function workOf(api: TestApi, make: Make, about: { account: string; mac: MacAddress; word: string }) {
  const { platform, call } = api
  const { mac, account, word } = about
  const action: string = (await make(`devices/${mac}/actions`, { kind: 'resync', via: 'sip' })).id
  const bulk: string = (await make('actions', { kind: 'resync', via: 'sip', accountId: account })).bulkId
  const body = new TextEncoder().encode(`<flat-profile><Station_Name>${word}</Station_Name></flat-profile>`)
  const certificate = certificateOf(mac)
  await servedTo(platform, requestOf('/report', { method: 'POST', body, certificate }))
  await platform.flush()
  const report: number = (await call('GET', `/api/v1/devices/${mac}/reports`)).json.items[0].id
  const { db } = platform
  const store = openProblemReportStore(platform)
  const asked = { mac, accountId: account, trust: 'certified', peer: '192.0.2.7', name: `${word}.tar.gz` } as const
  const prt = await storeProblemReport(store, asked, Readable.from([gzipSync(word)]))
  const raised = { kind: 'silence', subject: mac, mac, accountId: account, data: { word } } as const
  const [alarm] = await raiseAlarms(db, [raised], Date.now())
  await calledBy(api, mac, word)
  const task: string = (await make(`devices/${mac}/tr069/tasks`, { kind: 'reboot' })).id
  return { action, bulk, report, prt: prt.id, alarm: alarm?.id ?? '', task }
}

/** A call by TR-069, as the door writes it down: what the device says of itself, some of its tree, one message. */
export async function calledBy(api: TestApi, mac: MacAddress, word: string): Promise<void> {
  const { db } = api.platform
  const at = Date.now()
  const inform = {
    mac,
    at,
    from: '192.0.2.9',
    secure: true,
    manufacturer: 'Cisco',
    oui: '000E08',
    productClass: PN,
    root: 'Device.',
    namespace: 'urn:dslforum-org:cwmp-1-0',
    events: ['1 BOOT'],
    software: `${word} 12.0`,
    parameterKey: undefined,
    connectionRequestUrl: `http://${word}.example.com:7547/`,
    informHash: 'x',
  }
  await recordInforms(db, [inform])
  const rows = [
    { path: 'Device.DeviceInfo.', writable: false },
    { path: 'Device.DeviceInfo.SoftwareVersion', type: 'string', writable: false, value: `${word} 12.0` } as const,
  ]
  await recordParameters(db, [{ mac, at, rows }])
  await recordMessages(db, [{ mac, session: 'abcdefgh', at, sender: 'CPE', kind: 'Inform', text: `<${word}/>` }])
}

/** Every row of every table, but when tokens were used. */
export async function dump(api: TestApi): Promise<Readonly<Record<string, string>>> {
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
