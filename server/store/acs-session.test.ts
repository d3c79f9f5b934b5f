import { describe, expect, it } from 'vitest'
import type { MacAddress } from '../../protocol/identity.ts'
import type { AcsWrite, KnownParameter } from '../tr069/mod.ts'
import { macOf, openTestPlatform } from '../testing.ts'
import { providerOn } from '../testing-provider.ts'
import { loadTree, recordParameters } from './acs-parameters.ts'
import { recordSession } from './acs-session.ts'
import { type InformSeen, loadAcsState, recordAnew, recordInforms } from './acs-state.ts'

const { platform } = await openTestPlatform()
const { db, vault } = platform
const provider = providerOn(platform)
const T0 = Date.UTC(2026, 0, 2)
const LATER = T0 + 1000

const informOf = (mac: MacAddress): InformSeen => ({
  mac,
  at: T0,
  from: '192.0.2.9',
  secure: true,
  manufacturer: 'Cisco',
  oui: '000E08',
  productClass: 'CP-8851-3PCC',
  root: 'Device.',
  namespace: 'urn:dslforum-org:cwmp-1-2',
  events: ['0 BOOTSTRAP', '1 BOOT'],
  software: 'sip88xx.12-0-7',
  parameterKey: undefined,
  connectionRequestUrl: undefined,
  informHash: 'x',
})

async function called(): Promise<MacAddress> {
  const { mac } = await provider.bound()
  await recordInforms(db, [informOf(mac)])
  return mac
}

async function write(mac: MacAddress, ...writes: readonly AcsWrite[]): Promise<void> {
  const place = { mac, accountId: undefined, trust: 'certified', now: LATER } as const
  await db.transaction((tx) => recordSession(tx, vault, place, writes))
}

const parameters = (...rows: readonly KnownParameter[]): AcsWrite => ({ kind: 'parameters', rows })
const IN_STEP: AcsWrite = { kind: 'in-step', fingerprint: 'f', informSeconds: 3600 }
const TAKEN: AcsWrite = { kind: 'file-taken', file: 'configuration', version: 'v1' }
const READ: AcsWrite = { kind: 'tree-read', before: LATER - 10 }
const stateOf = (mac: MacAddress) => loadAcsState(db, mac)
const treeOf = (mac: MacAddress) => loadTree(db, mac)

describe('what a session stores', () => {
  it('of one parameter is what was told last; what a row leaves out stays as it was', async () => {
    const mac = await called()
    await recordParameters(db, [{ mac, at: T0, rows: [{ path: 'Device.A', notification: 1, sentMac: 'm' }] }])
    await write(
      mac,
      parameters({ path: 'Device.A', writable: true }),
      parameters({ path: 'Device.A', type: 'string', value: 'old', writable: undefined }, { path: 'Device.B.' }),
      READ,
      parameters({ path: 'Device.A', value: 'new "text"\n\\ {é}' }),
    )
    expect((await treeOf(mac)).get('Device.A')).toEqual({
      path: 'Device.A',
      type: 'string',
      writable: true,
      value: 'new "text"\n\\ {é}',
      notification: 1,
      sentMac: 'm',
    })
    expect([...(await treeOf(mac)).keys()]).toEqual(['Device.A', 'Device.B.'])
  })

  it('of a value that was cut within a character ends with a question mark of Unicode', async () => {
    const mac = await called()
    await write(mac, parameters({ path: 'Device.A', value: 'cut \ud83d' }))
    expect((await treeOf(mac)).get('Device.A')?.value).toBe('cut \ufffd')
  })

  it('of a tree that was read is without what was not seen since', async () => {
    const mac = await called()
    await recordParameters(db, [{ mac, at: T0, rows: [{ path: 'Device.Gone' }] }])
    await write(mac, parameters({ path: 'Device.A' }), READ, parameters({ path: 'Device.B' }))
    expect([...(await treeOf(mac)).keys()]).toEqual(['Device.A', 'Device.B'])
    expect((await stateOf(mac))?.treeAt).toBe(LATER)
  })

  it('of an instance depends on whether it went before or after it was told of', async () => {
    const mac = await called()
    const gone: AcsWrite = { kind: 'instances-gone', path: 'Device.Line.2.' }
    await write(mac, parameters({ path: 'Device.Line.2.X', value: 'old' }), gone)
    expect((await treeOf(mac)).size).toBe(0)
    await write(mac, gone, parameters({ path: 'Device.Line.2.X', value: 'new' }))
    expect((await treeOf(mac)).get('Device.Line.2.X')?.value).toBe('new')
  })

  it.each([
    ['in step after it took a file is in step', [READ, TAKEN, IN_STEP], { inStep: 'f', treeAt: undefined }],
    ['in step before it took a file is not', [READ, IN_STEP, TAKEN], { inStep: undefined, treeAt: undefined }],
    ['to be learned anew starts from nothing', [READ, IN_STEP, { kind: 'forget' }], { inStep: undefined }],
    [
      'told of batches and refusals keeps the last of each, and the rest as it was',
      [
        { kind: 'batch-max', value: 50 },
        { kind: 'refused', values: { a: { mac: 'm', code: 9003, text: 't', at: 'now' } } },
        { kind: 'batch-max', value: 25 },
        { kind: 'refused', values: {} },
      ],
      { batchMax: 25, refused: {}, inStep: 'before', informSeconds: 60, treeAt: undefined },
    ],
  ] satisfies readonly (readonly [string, readonly AcsWrite[], object])[])(
    'of a device %s',
    async (_name, writes, expected) => {
      const mac = await called()
      await write(mac, { kind: 'in-step', fingerprint: 'before', informSeconds: 60 })
      await write(mac, ...writes)
      expect(await stateOf(mac)).toMatchObject(expected)
    },
  )
})

describe('a device that begins anew [TR-069 §5.2]', () => {
  it('for the first time has the row that is read afterwards', async () => {
    const { mac } = await provider.bound()
    const state = await recordAnew(db, informOf(mac))
    expect(state).toMatchObject({ root: 'Device.', software: 'sip88xx.12-0-7', openTasks: 0, refused: {} })
    expect(state).toEqual(await stateOf(mac))
  })

  it('keeps nothing of what was learned of it, and its tasks', async () => {
    const mac = await called()
    const task: AcsWrite = { kind: 'task-new', request: { kind: 'reboot' }, commandKey: 'k' }
    await write(mac, parameters({ path: 'Device.A' }), READ, { kind: 'batch-max', value: 7 }, IN_STEP, task)
    const state = await recordAnew(db, informOf(mac))
    expect(state).toMatchObject({ treeAt: undefined, inStep: undefined, informSeconds: undefined, openTasks: 1 })
    expect(state?.batchMax).toBeGreaterThan(7)
    expect(state).toEqual(await stateOf(mac))
    expect((await treeOf(mac)).size).toBe(0)
  })

  it('is not kept once nobody knows it any more', async () => {
    const mac = macOf('ffffffff0001')
    expect(await recordAnew(db, informOf(mac))).toBeUndefined()
    expect(await stateOf(mac)).toBeUndefined()
  })
})
