import { randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { assert } from '../../protocol/result.ts'
import { openProblemReportStore, storeProblemReport, type TokenScope } from '../store/mod.ts'
import { providerOn } from '../testing-provider.ts'
import { certificateOf, plant, requestOf, servedTo } from '../testing.ts'
import { type Answer, openTestApi } from './testing.ts'

const api = await openTestApi()
const { platform } = api
const provider = providerOn(platform)

async function tokenFor(scopes: readonly TokenScope[], accountId: string | null = null): Promise<string> {
  return api.tokenFor(scopes, { accountId })
}
const reader = await tokenFor(['read'])
const seeing = await tokenFor(['read', 'secrets'])
const writer = await tokenFor(['write'])

async function call(method: string, path: string, token = reader): Promise<Answer> {
  return api.call(method, `/api/v1/${path}`, { token })
}

type Bound = Awaited<ReturnType<typeof provider.bound>>

async function report({ mac }: Bound, xml: string): Promise<void> {
  const body = new TextEncoder().encode(`<flat-profile>${xml}</flat-profile>`)
  const request = requestOf('/report', { method: 'POST', body, certificate: certificateOf(mac) })
  expect((await servedTo(platform, request)).kind).toBe('empty')
}

async function reveals(mac: string): Promise<readonly string[]> {
  const rows = await platform.db.query<{ what: string }>({
    name: 'test-reveals',
    text: 'select what from revision where target = $1 order by id',
    values: [mac],
  })
  return rows.map(({ what }) => what)
}

describe('a report', () => {
  it('shows its parameters; secrets only to who may see them, and that is written down', async () => {
    const phone = await provider.bound()
    const password = plant(`Pw1-${randomBytes(9).toString('hex')}`)
    const key = plant(randomBytes(9).toString('hex'))
    await report(
      phone,
      `<GPP_A ua="rw">shown</GPP_A><Password_1_>${password}</Password_1_><Profile_Rule_C>[--key ${key}] http://h/f</Profile_Rule_C>`,
    )
    const list = await call('GET', `devices/${phone.mac}/reports`)
    expect(list.json).toMatchObject({ items: [{ kind: 'delta', trust: 'certified', problem: null }], next: null })
    const path = `devices/${phone.mac}/reports/${list.json.items[0].id}`
    const masked = await call('GET', path)
    expect(masked.json.parameters).toEqual({
      GPP_A: { value: 'shown', ua: 'rw' },
      Password_1_: { value: null, ua: null, secret: true },
      Profile_Rule_C: { value: expect.stringContaining('http://h/f'), ua: null, secret: true },
    })
    const xml = await call('GET', `${path}?format=xml`)
    expect(xml.text).toContain('>shown</GPP_A>')
    const reported = await call('GET', `devices/${phone.mac}/reported`)
    expect(reported.json.parameters.GPP_A).toMatchObject({ value: 'shown' })
    const drift = await call('GET', `devices/${phone.mac}/drift`)
    for (const { text } of [masked, xml, reported, drift]) {
      expect(text).not.toContain(password)
      expect(text).not.toContain(key)
    }
    expect((await call('GET', `${path}?reveal=true`)).status).toBe(403)
    expect(await reveals(phone.mac)).not.toContain('secrets shown')
    expect((await call('GET', `${path}?reveal=true`, seeing)).json.parameters.Password_1_.value).toBe(password)
    expect((await call('GET', `${path}?reveal=true&format=xml`, seeing)).text).toContain(`[--key ${key}] http://h/f`)
    expect((await reveals(phone.mac)).filter((what) => what === 'secrets shown')).toHaveLength(2)
  })

  it('of another device, of nobody, and of an account out of reach is not there', async () => {
    const [one, other] = [await provider.bound(), await provider.bound()]
    await report(one, '<GPP_A>1</GPP_A>')
    const { json } = await call('GET', `devices/${one.mac}/reports`)
    const { id } = json.items[0]
    expect((await call('GET', `devices/${other.mac}/reports/${id}`)).status).toBe(404)
    expect((await call('GET', `devices/${one.mac}/reports/${id + 1000}`)).status).toBe(404)
    expect((await call('GET', 'devices/00562bfffffe/reports')).status).toBe(404)
    const limited = await tokenFor(['read', 'secrets', 'write'], other.account.id)
    for (const path of ['reports', `reports/${id}`, 'reported', 'drift', 'problem-reports']) {
      expect([path, (await call('GET', `devices/${one.mac}/${path}`, limited)).status]).toEqual([path, 404])
    }
    expect((await call('GET', `devices/${other.mac}/reports`, limited)).status).toBe(200)
  })

  it('is gone from sight when its device belongs to another account', async () => {
    const phone = await provider.bound()
    await report(phone, '<GPP_A>1</GPP_A>')
    await provider.end(phone.mac, 'release')
    expect((await call('GET', `devices/${phone.mac}/reports`)).json.items).toEqual([])
    expect((await call('GET', `devices/${phone.mac}/reported`)).json).toEqual({
      at: null,
      fullAt: null,
      parameters: {},
    })
  })
})

describe('drift', () => {
  it('of the fleet is counted by account and paged', async () => {
    const phones = [await provider.bound(), await provider.bound(), await provider.bound()]
    for (const phone of phones) {
      await report(phone, '<Provision_Enable>No</Provision_Enable><Resync_On_Reset>No</Resync_On_Reset>')
    }
    const [first] = phones
    assert(first !== undefined, 'there are three')
    const one = await call('GET', `drift?accountId=${first.account.id}`)
    expect(one.json).toMatchObject({
      items: [{ mac: first.mac, count: 2, elements: ['Provision_Enable', 'Resync_On_Reset'] }],
      next: null,
    })
    const macs: string[] = []
    let next: string | null = ''
    while (next !== null) {
      const page = await call('GET', `drift?limit=1${next === '' ? '' : `&after=${next}`}`)
      macs.push(...page.json.items.map(({ mac }: { mac: string }) => mac))
      next = page.json.next
    }
    expect(macs).toEqual(macs.toSorted())
    expect(macs).toEqual(expect.arrayContaining(phones.map(({ mac }) => mac)))
    const limited = await tokenFor(['read'], first.account.id)
    expect((await call('GET', 'drift', limited)).json.items).toHaveLength(1)
    expect((await call('GET', `drift?accountId=${phones[1]?.account.id}`, limited)).status).toBe(404)
  })
})

describe('a problem report', () => {
  it('needs the scope secrets to be read and write to be deleted', async () => {
    const { account, mac } = await provider.bound()
    const store = openProblemReportStore(platform)
    const about = { mac, accountId: account.id, trust: 'certified', peer: '192.0.2.1', name: 'a.tar.gz' } as const
    const { id } = await storeProblemReport(store, about, Readable.from([gzipSync('log')]))
    const path = `problem-reports/${id}`
    expect((await call('GET', `${path}/file`)).status).toBe(403)
    const other = await provider.accountWith()
    const limited = await tokenFor(['admin'], other.id)
    expect((await call('GET', `${path}/file`, limited)).status).toBe(404)
    expect((await call('DELETE', path, limited)).status).toBe(404)
    expect(await call('GET', `${path}/file`, seeing)).toMatchObject({ status: 200, type: 'application/gzip' })
    expect((await call('DELETE', path, reader)).status).toBe(403)
    expect((await call('DELETE', path, writer)).status).toBe(204)
    expect((await call('GET', `${path}/file`, seeing)).status).toBe(404)
    expect((await call('GET', 'problem-reports/..%2fx/file', seeing)).status).toBe(422)
    expect((await reveals(mac)).filter((what) => what.startsWith('problem report'))).toEqual([
      'problem report downloaded',
      'problem report deleted',
    ])
  })
})
