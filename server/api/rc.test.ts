import { describe, expect, it } from 'vitest'
import { freshMac, PN } from '../testing.ts'
import { openTestApi } from './testing.ts'

const { call, tokenFor, platform } = await openTestApi()

interface Entry {
  readonly mac: string
  readonly profileRule: string
  readonly changed: boolean
  readonly enteredBy: string | null
}

async function accountBelow(parentId?: string): Promise<string> {
  const made = await call('POST', '/api/v1/accounts', { body: { name: 'A shop', ...(parentId ? { parentId } : {}) } })
  expect(made.status).toBe(201)
  return made.json.id as string
}

async function knownPhone(accountId?: string): Promise<string> {
  const mac = freshMac()
  const serial = `FCH${mac.slice(4).toUpperCase()}`
  const body = { mac, serial, model: PN, ...(accountId === undefined ? {} : { accountId }) }
  expect((await call('POST', '/api/v1/devices', { body })).status).toBe(201)
  return mac
}

async function entries(query: string, token?: string): Promise<readonly Entry[]> {
  const { json } = await call('GET', `/api/v1/rc/entries?${query}`, { token })
  return json.items as readonly Entry[]
}

const macsOf = (list: readonly Entry[]): readonly string[] => list.map(({ mac }) => mac.toLowerCase()).toSorted()

describe('entries at the redirect service', () => {
  it('are to be made for the known phones of an account and all below it, and only once', async () => {
    const parent = await accountBelow()
    const child = await accountBelow(parent)
    const macs = [await knownPhone(parent), await knownPhone(child)].toSorted()
    await knownPhone()
    const query = `accountId=${parent}&state=to-enter`
    expect(macsOf(await entries(query))).toEqual(macs)
    const csv = await call('GET', `/api/v1/rc/entries?${query}&format=csv`)
    expect(csv.type).toContain('text/csv')
    expect(csv.text.split('\n')).toHaveLength(macs.length + 2)
    const marked = await call('POST', '/api/v1/rc/entries', { body: { macs } })
    expect(marked.json).toEqual({ marked: macs, unknown: [] })
    expect(await entries(query)).toEqual([])
    expect(macsOf(await entries(`accountId=${parent}&state=entered`))).toEqual(macs)
    const shown = await call('GET', `/api/v1/devices/${macs[0]}`)
    expect(shown.json.rc).toEqual({ enteredAt: expect.stringMatching(/^20/) as unknown, firstSeenAt: null })
  })

  it('are changed when they say another rule than we would say now, until they are entered anew', async () => {
    const accountId = await accountBelow()
    const mac = await knownPhone(accountId)
    const profileRule = '[--key k] https://old.example.com/cisco-init'
    await call('POST', '/api/v1/rc/entries', { body: { macs: [mac], profileRule } })
    const changed = await entries(`accountId=${accountId}&state=changed`)
    expect(changed).toMatchObject([{ changed: true, enteredBy: 'token:admin' }])
    expect(changed[0]?.profileRule === profileRule).toBe(false)
    await call('POST', '/api/v1/rc/entries', { body: { macs: [mac] } })
    expect(await entries(`accountId=${accountId}&state=changed`)).toEqual([])
  })

  it('are to be made again after they were taken out, and each step is a revision', async () => {
    const accountId = await accountBelow()
    const mac = await knownPhone(accountId)
    await call('POST', '/api/v1/rc/entries', { body: { macs: [mac] } })
    await call('POST', '/api/v1/rc/entries', { body: { macs: [mac], entered: false } })
    expect(macsOf(await entries(`accountId=${accountId}&state=to-enter`))).toEqual([mac])
    const revisions = await platform.db.query<{ what: string }>({
      name: 'test-rc-revisions',
      text: `select what from revision where scope = 'device' and target = $1 order by id`,
      values: [mac],
    })
    expect(revisions.map(({ what }) => what).slice(-2)).toEqual([
      'entered at the redirect service',
      'taken out of the redirect service',
    ])
  })

  it('of other accounts are not there for a token that is limited to one', async () => {
    const [own, other] = [await accountBelow(), await accountBelow()]
    const [mine, foreign] = [await knownPhone(own), await knownPhone(other)]
    const token = await tokenFor(['write'], { accountId: own })
    expect(macsOf(await entries('limit=1000', token))).toEqual([mine])
    const answer = await call('POST', '/api/v1/rc/entries', { body: { macs: [mine, foreign] }, token })
    expect(answer.json).toEqual({ marked: [mine], unknown: [foreign] })
    expect((await call('GET', `/api/v1/rc/entries?accountId=${other}`, { token })).status).toBeGreaterThanOrEqual(403)
    expect(macsOf(await entries(`accountId=${other}&state=to-enter`))).toEqual([foreign])
  })

  it('come in pages', async () => {
    const accountId = await accountBelow()
    const macs = [await knownPhone(accountId), await knownPhone(accountId), await knownPhone(accountId)].toSorted()
    const first = await call('GET', `/api/v1/rc/entries?accountId=${accountId}&limit=2`)
    const rest = await call('GET', `/api/v1/rc/entries?accountId=${accountId}&limit=2&after=${String(first.json.next)}`)
    expect(macsOf([...(first.json.items as Entry[]), ...(rest.json.items as Entry[])])).toEqual(macs)
    expect(rest.json.next).toBeNull()
  })
})
