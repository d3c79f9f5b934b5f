import { describe, expect, it } from 'vitest'
import { certifiedFetch, freshMac, plantSecretsOf, PN, serialFor } from '../testing.ts'
import { providerOn } from '../testing-provider.ts'
import { type CallOptions, openTestApi } from './testing.ts'

const { call: rawCall, tokenFor, platform } = await openTestApi()
const call = (method: string, path: string, options?: CallOptions) => rawCall(method, `/api/v1/${path}`, options)
const provider = providerOn(platform)

/** A bound phone with two lines, a layer, a feature, a label and a batch. */
async function busyPhone() {
  const { account, mac } = await provider.bound()
  const second = await provider.lineOf(account.id)
  expect((await call('POST', `lines/${second}/assign`, { body: { mac, index: 6 } })).status).toBe(200)
  const parameters = { Station_Name: { value: 'Front' }, Line_Enable_10_: { value: 'No' } }
  await call('PUT', `layers/device/${mac}`, { body: { parameters } })
  const batch = await call('POST', 'batches', { body: { accountId: account.id, name: 'Spring' } })
  await call('PATCH', `devices/${mac}`, { body: { label: 'Front desk', batchId: batch.json.id } })
  return { account, mac, second, batchId: batch.json.id as string }
}

describe('replacing a phone', () => {
  it('moves lines with new passwords, layer, batch and words; the old phone gets its farewell', async () => {
    const { account, mac, second, batchId } = await busyPhone()
    const before = await call('GET', `accounts/${account.id}/lines?reveal=true`)
    const to = { mac: freshMac(), serial: 'FCH2305DMH0', model: PN }
    const dry = await call('POST', `devices/${mac}/replace`, { body: { ...to, dryRun: true } })
    expect(dry).toMatchObject({ status: 200, json: { dryRun: true, moves: { batchId, lines: { length: 2 } } } })
    expect((await call('GET', `devices/${to.mac}`)).status).toBe(404)
    expect((await call('GET', `devices/${mac}`)).json).toMatchObject({ state: 'bound', label: 'Front desk' })
    const done = await call('POST', `devices/${mac}/replace`, { body: to })
    expect({ ...done.json, dryRun: true }).toEqual(dry.json)
    expect(done.json.moves.lines.map((line: { index: number }) => line.index)).toEqual([1, 6])
    expect(done.json).toMatchObject({
      old: { state: 'released', farewell: 'owed' },
      new: { state: 'known' },
      droppedLines: [],
    })
    expect((await call('GET', `devices/${to.mac}`)).json).toMatchObject({
      state: 'known',
      accountId: account.id,
      label: 'Front desk',
      batchId,
      keys: { issued: 0 },
      lines: [{ index: 1 }, { index: 6, id: second }],
    })
    expect((await call('GET', `devices/${mac}`)).json).toMatchObject({
      state: 'released',
      farewell: 'owed',
      label: '',
      lines: [],
      batchId: null,
    })
    expect((await call('GET', `layers/device/${to.mac}`)).json.parameters.Station_Name.value).toBe('Front')
    expect((await call('GET', `layers/device/${mac}`)).json.parameters).toEqual({})
    const after = await call('GET', `accounts/${account.id}/lines?reveal=true`)
    for (const [index, line] of after.json.items.entries()) {
      expect(line.password === before.json.items[index].password).toBe(false)
      expect(line.passwordGeneration).toBe(before.json.items[index].passwordGeneration + 1)
    }
    await plantSecretsOf(platform)
  })

  it('the new phone is bound by its own certificate, with keys of its own; the old one says farewell', async () => {
    const { mac } = await busyPhone()
    const to = { mac: freshMac(), model: PN }
    await call('POST', `devices/${mac}/replace`, { body: { ...to, serial: serialFor(to.mac) } })
    expect((await certifiedFetch(platform, '/cisco-init', to.mac)).kind).toBe('bytes')
    expect((await call('GET', `devices/${to.mac}`)).json).toMatchObject({
      state: 'bound',
      keys: { issued: 1 },
      lines: { length: 2 },
    })
    expect((await certifiedFetch(platform, '/cisco-init', mac)).kind).toBe('bytes')
    expect((await call('GET', `devices/${mac}`)).json.farewell).toBe('served')
    await plantSecretsOf(platform)
  })

  it('says which lines and elements do not fit; with force they are let go', async () => {
    const { account, mac, second } = await busyPhone()
    const to = { mac: freshMac(), serial: 'FCH2305DMH0', model: 'CP-7821-3PCC' }
    const refused = await call('POST', `devices/${mac}/replace`, { body: to })
    expect(refused).toMatchObject({ status: 409, json: { type: 'too-few-lines', problems: [{ place: 'line 6' }] } })
    expect((await call('GET', `devices/${mac}`)).json.state).toBe('bound')
    const done = await call('POST', `devices/${mac}/replace`, { body: { ...to, force: true } })
    expect(done.json).toMatchObject({ moves: { lines: [{ index: 1 }] }, droppedLines: [{ id: second, index: 6 }] })
    expect(done.json.problems).toContainEqual(
      expect.objectContaining({ code: 'unknown-element', element: 'Line_Enable_10_' }),
    )
    const line = (await call('GET', `lines/${second}`)).json
    expect(line).toMatchObject({ mac: null, index: null, accountId: account.id })
    expect(line.passwordGeneration).toBe(done.json.droppedLines[0].passwordGeneration)
    await plantSecretsOf(platform)
  })

  it('refuses the same phone, a phone in use, a model that nobody knows, and phones out of reach', async () => {
    const { mac } = await busyPhone()
    const other = await busyPhone()
    const to = { mac: freshMac(), serial: 'FCH2305DMH0', model: PN }
    const asked = [
      [{ ...to, mac }, 422, 'same-device'],
      [{ ...to, mac: other.mac }, 409, 'device-taken'],
      [{ ...to, model: 'CP-9999-3PCC' }, 422, 'unknown-model'],
    ] as const
    for (const [body, status, type] of asked) {
      expect(await call('POST', `devices/${mac}/replace`, { body })).toMatchObject({ status, json: { type } })
    }
    const token = await tokenFor(['write'], { accountId: other.account.id })
    expect((await call('POST', `devices/${mac}/replace`, { body: to, token })).status).toBe(404)
    await call('POST', `devices/${mac}/release`)
    expect((await call('POST', `devices/${mac}/replace`, { body: to })).json.type).toBe('wrong-state')
  })

  it('of two that give one phone to different places at once, one wins', async () => {
    const [a, b] = [await busyPhone(), await busyPhone()]
    const body = { mac: freshMac(), serial: 'FCH2305DMH0', model: PN }
    const answers = await Promise.all([a, b].map(({ mac }) => call('POST', `devices/${mac}/replace`, { body })))
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409])
    await plantSecretsOf(platform)
  })
})

describe('batches', () => {
  it('count by state, lock when shipped, and take only phones of their account and model', async () => {
    const account = await provider.accountWith()
    const foreign = await provider.bound()
    const [first, second] = [freshMac(), freshMac()]
    for (const mac of [first, second]) {
      await call('POST', 'devices', { body: { mac, serial: 'FCH2305DMH0', model: PN, accountId: account.id } })
    }
    const made = await call('POST', 'batches', { body: { accountId: account.id, name: 'B', model: PN, expected: 3 } })
    expect(made).toMatchObject({ status: 201, json: { state: 'open', progress: { total: 0, missing: 3 } } })
    const { id } = made.json
    expect((await call('POST', `batches/${id}/ship`)).json.type).toBe('batch-empty')
    expect((await call('POST', `batches/${id}/devices`, { body: { macs: [first, foreign.mac] } })).status).toBe(404)
    const added = await call('POST', `batches/${id}/devices`, { body: { macs: [first, second] } })
    expect(added.json.progress).toEqual({ total: 2, missing: 1, byState: { known: 2 } })
    expect((await call('DELETE', `batches/${id}`)).json.type).toBe('batch-not-empty')
    expect((await call('POST', `batches/${id}/ship`)).json.type).toBe('batch-not-ready')
    expect((await call('POST', `batches/${id}/ship`, { body: { force: true } })).json.state).toBe('shipped')
    for (const [method, path, body] of [
      ['POST', `batches/${id}/devices`, { macs: [first] }],
      ['DELETE', `batches/${id}/devices/${first}`, undefined],
      ['PATCH', `batches/${id}`, { name: 'C' }],
      ['PATCH', `devices/${first}`, { batchId: null }],
    ] as const) {
      expect((await call(method, path, { body })).json.type).toBe('batch-shipped')
    }
    await call('POST', `batches/${id}/reopen`)
    for (const mac of [first, second]) expect((await call('DELETE', `batches/${id}/devices/${mac}`)).status).toBe(200)
    expect((await call('DELETE', `batches/${id}`)).status).toBe(204)
    expect((await call('GET', `batches/${id}`)).status).toBe(404)
  })
})
