import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { assert } from '../../protocol/result.ts'
import { sealSalted } from '../../protocol/envelope/mod.ts'
import { providerOn } from '../testing-provider.ts'
import { certificateOf, openTestPlatform, plant, requestOf, servedTo } from '../testing.ts'
import { findReport, findReported, listReports } from './reports.ts'
import {
  keepProblemReports,
  listProblemReports,
  openProblemReportStore,
  problemReportPath,
  storeProblemReport,
} from './problem-reports.ts'

const { platform } = await openTestPlatform()
const { db, vault } = platform
const provider = providerOn(platform)

function report(text: string, mac: Parameters<typeof certificateOf>[0], key?: string) {
  const plain = new TextEncoder().encode(text)
  const body = key === undefined ? plain : sealSalted(plain, key, randomBytes(8))
  const who = key === undefined ? { certificate: certificateOf(mac) } : {}
  return servedTo(platform, requestOf(`/report/${mac}.xml`, { method: 'PUT', body, ...who }))
}

describe('reports', () => {
  it('are not readable in the database, and belong to the account of their time', async () => {
    const { account, mac } = await provider.bound()
    const typed = plant(randomBytes(9).toString('hex'))
    await report(`<flat-profile><GPP_E>${typed}</GPP_E></flat-profile>`, mac)
    const [stored] = await listReports(db, mac, account.id)
    assert(stored !== undefined, 'the report is kept')
    expect((await findReport(db, vault, mac, account.id, stored.id))?.text).toContain(typed)
    expect((await findReported(db, vault, mac, account.id))?.values.get('GPP_E')?.value).toBe(typed)
    const raw = await db.query<{ sealed: Buffer }>({
      name: 'test-raw-reports',
      text: 'select sealed from report where mac = $1 union all select sealed from device_reported where mac = $1',
      values: [mac],
    })
    expect(raw).toHaveLength(2)
    for (const { sealed } of raw) expect(Buffer.from(sealed).toString('latin1')).not.toContain(typed)
    const other = await provider.accountWith()
    expect(await listReports(db, mac, other.id)).toEqual([])
    expect(await findReport(db, vault, mac, other.id, stored.id)).toBeUndefined()
    expect(await findReported(db, vault, mac, other.id)).toBeUndefined()
    expect(await findReported(db, vault, mac, undefined)).toBeUndefined()
  })

  it('the newest 20 are kept; deltas are remembered for longer than their reports', async () => {
    const { account, mac } = await provider.bound()
    for (let index = 0; index < 25; index++) await report(`<flat-profile><GPP_A>${index}</GPP_A></flat-profile>`, mac)
    await report('<flat-profile><GPP_B>last</GPP_B></flat-profile>', mac)
    expect(await listReports(db, mac, account.id)).toHaveLength(20)
    expect([...((await findReported(db, vault, mac, account.id))?.values.keys() ?? [])]).toEqual(['GPP_A', 'GPP_B'])
  })

  it('under the device’s key are kept as sealed', async () => {
    const { account, mac, profile } = await provider.bound()
    await report('<flat-profile><GPP_A>1</GPP_A></flat-profile>', mac, profile.get('GPP_SA') ?? '')
    expect(await listReports(db, mac, account.id)).toMatchObject([{ trust: 'sealed', kind: 'delta', problem: null }])
  })
})

const store = openProblemReportStore(platform)
const archive = (text: string) => Readable.from([gzipSync(text)])

async function newReport(more: object = {}) {
  const { account, mac } = await provider.bound()
  return { mac, accountId: account.id, trust: 'certified' as const, peer: '192.0.2.1', name: 'a.tar.gz', ...more }
}

describe('problem reports', () => {
  it('beyond ten of a device push out its oldest, file and row', async () => {
    const about = await newReport()
    const ids: string[] = []
    for (let index = 0; index < 12; index++) ids.push((await storeProblemReport(store, about, archive(`${index}`))).id)
    const kept = (await listProblemReports(db, about.mac, about.accountId)).map(({ id }) => id)
    expect(kept.toSorted()).toEqual(ids.slice(2).toSorted())
    expect(ids.map((id) => existsSync(problemReportPath(store.folder, id)))).toEqual([
      false,
      false,
      ...Array.from({ length: 10 }, () => true),
    ])
  })

  it('beyond the budget of all are refused, and what is there stays', async () => {
    const about = await newReport()
    const { id } = await storeProblemReport(store, about, archive('x'))
    const full = { ...store, bytesMax: 1024 }
    await expect(storeProblemReport(full, about, archive('y'))).rejects.toMatchObject({ reason: 'no-room' })
    expect((await listProblemReports(db, about.mac, about.accountId)).map((each) => each.id)).toEqual([id])
  })

  it('on a full disk are refused as for want of room', async () => {
    const about = await newReport()
    const body = Readable.from(failing())
    async function* failing() {
      yield gzipSync('a')
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    }
    await expect(storeProblemReport(store, about, body)).rejects.toMatchObject({ reason: 'no-room' })
    expect(readdirSync(store.folder).filter((name) => name.startsWith('.'))).toEqual([])
  })

  it('without their row leave no file', async () => {
    const about = await newReport()
    const before = readdirSync(store.folder).length
    const broken = { ...store, change: () => Promise.reject(new Error('the database is gone')) }
    await expect(storeProblemReport(broken, about, archive('x'))).rejects.toThrow('gone')
    let calls = 0
    const half = {
      ...store,
      change: <T>(work: Parameters<typeof store.change<T>>[0]) =>
        ++calls === 1 ? store.change(work) : Promise.reject(new Error('the database is gone')),
    }
    await expect(storeProblemReport(half, about, archive('x'))).rejects.toThrow('gone')
    expect(readdirSync(store.folder)).toHaveLength(before)
  })

  it('are removed after their time, and so are files that no row names', async () => {
    const about = await newReport()
    const { id } = await storeProblemReport(store, about, archive('x'))
    const orphan = problemReportPath(store.folder, `prt_${'a'.repeat(32)}`)
    mkdirSync(store.folder, { recursive: true })
    writeFileSync(orphan, 'x')
    const now = Date.now()
    await keepProblemReports(db, store.folder, { days: 30, now })
    expect([existsSync(orphan), existsSync(problemReportPath(store.folder, id))]).toEqual([true, true])
    utimesSync(orphan, 0, 0)
    await keepProblemReports(db, store.folder, { days: 30, now })
    expect([existsSync(orphan), existsSync(problemReportPath(store.folder, id))]).toEqual([false, true])
    await keepProblemReports(db, store.folder, { days: 30, now: now + 31 * 86_400_000 })
    expect(await listProblemReports(db, about.mac, about.accountId)).toEqual([])
    expect(existsSync(problemReportPath(store.folder, id))).toBe(false)
  })
})
