import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CwmpFault, CwmpRpc } from '../../protocol/cwmp/mod.ts'
import { LEARNS_MAX, startPlan, withTasks, withWished } from './plan.ts'
import { bring, CONTEXT, drive, fault, NOW, TreeDevice, type Weakness, written } from './testing-device.ts'
import type { OpenTask } from './types.ts'
import type { Wished, WishedValue } from './wished.ts'

const SEED = 69
const STATE = { root: 'Device.', treeAt: undefined, batchMax: 256, refused: {} }
const LINES = 'Device.Services.VoiceService.1.VoiceProfile.1.Line.'

function leaves(count: number, branch = 'Device.A.'): Readonly<Record<string, string>> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`${branch}P${index}`, String(index)]))
}

function learned(values: Readonly<Record<string, string>>, weakness: Weakness = {}) {
  const device = new TreeDevice(values, weakness)
  return { device, ...drive(startPlan(STATE, NOW), (request) => device.answer(request)) }
}

function wish(values: readonly WishedValue[], more: Partial<Wished> = {}): Wished {
  return { values, attributes: [], objects: [], files: [], ...more }
}

function valuesFor(count: number, value = 'new', secret = false): readonly WishedValue[] {
  return Array.from({ length: count }, (_, index) => ({ path: `Device.A.P${index}`, value, type: 'string', secret }))
}

function setting(values: readonly WishedValue[], weakness: Weakness, batchMax = 256) {
  const { device, plan } = learned(leaves(values.length), weakness)
  const run = drive(withWished({ ...plan, batchMax }, wish(values)), (request) => device.answer(request))
  return { device, ...run }
}

describe('learning', () => {
  it.each([
    [1, 2],
    [2000, 2],
    [3000, 2 + 46],
  ])('of %i leaves in one branch takes the fewest requests [TR-069 §7, §10]', (count, requests) => {
    const { device, kinds, plan } = learned(leaves(count))
    expect(kinds).toHaveLength(requests)
    expect(plan.tree.get('Device.A.P0')?.value).toBe('0')
    expect(device.asked.every((each) => each.kind !== 'GetParameterValues' || each.names.length <= 64)).toBe(true)
  })

  it('of 3,000 leaves in branches asks for branches, together as far as one answer can bring [TR-069 §7]', () => {
    const branches = Array.from({ length: 30 }, (_, index) => leaves(100, `Device.S.B${index}.`))
    const values = Object.assign({ 'Device.X': '1', 'Device.Y': '2' }, ...branches) as Record<string, string>
    const { device, kinds, plan } = learned(values)
    expect(kinds).toEqual(['GetParameterNames', 'GetParameterValues', 'GetParameterValues'])
    expect(device.asked[1]).toMatchObject({ names: expect.arrayContaining(['Device.X', 'Device.S.B18.']) as unknown })
    expect([...plan.tree.values()].filter(({ value }) => value !== undefined)).toHaveLength(3002)
  })

  it('goes branch by branch where the root is too much, and by names where values are [TR-069 §7]', () => {
    const values = { ...leaves(100), ...leaves(3, 'Device.B.'), 'Device.C': 'c' }
    const { kinds, plan } = learned(values, { noNamesOf: ['Device.'], valuesMax: 40 })
    expect(kinds.slice(0, 3)).toEqual(['GetParameterNames', 'GetParameterNames', 'GetParameterNames'])
    expect(plan.tree.get('Device.C')?.value).toBe('c')
    expect(plan.tree.get('Device.A.P99')?.value).toBe('99')
    expect(kinds.length).toBeLessThan(20)
  })

  it('keeps nothing that was not asked for, and no name that is none [TR-069 §3.6]', () => {
    const parameters = [`Device.${'a.'.repeat(5000)}b`, 'Other.A', ''].map((name) => ({ name, writable: true }))
    const { plan, kinds } = drive(startPlan(STATE, NOW), () => ({ kind: 'GetParameterNamesResponse', parameters }))
    expect([kinds.length, plan.tree.size]).toEqual([1, 0])
  })
})

describe('the wished state', () => {
  it('is set with one request where one will do, whatever the status is [TR-069 §7 SetParameterValues]', () => {
    for (const status of [0, 1] as const) {
      const { kinds, device, plan } = setting(valuesFor(200), { status })
      expect([kinds, plan.short]).toEqual([['SetParameterValues'], false])
      expect(device.values.get('Device.A.P199')).toBe('new')
    }
  })

  it('is set in smaller batches after 9004, which stay small [TR-069 §7]', () => {
    const { kinds, device, writes, plan } = setting(valuesFor(100), { setsMax: 30 })
    expect(written(writes, 'batch-max').map(({ value }) => value)).toEqual([50, 25])
    expect(kinds).toHaveLength(2 + 4)
    expect([...device.values.values()].every((value) => value === 'new')).toBe(true)
    expect(plan.batchMax).toBe(25)
    expect(setting(valuesFor(100), { setsMax: 30 }, 25).kinds).toHaveLength(4)
  })

  it('is not held up by one value that is always too much', () => {
    const answer = (request: CwmpRpc): CwmpRpc | CwmpFault =>
      request.kind === 'SetParameterValues' && request.parameters.some(({ name }) => name === 'Device.A.P0')
        ? fault(9004)
        : { kind: 'SetParameterValuesResponse', status: 0 }
    const { writes, plan } = drive(withWished(learned(leaves(4)).plan, wish(valuesFor(4))), answer)
    expect(written(writes, 'parameters').flatMap(({ rows }) => rows)).toHaveLength(3)
    expect([plan.short, written(writes, 'refused')]).toEqual([true, []])
  })

  it('leaves out what is refused, with its fault, after one more request [TR-069 §4, §7]', () => {
    const refuses = (path: string) => (path.endsWith('7') ? 9007 : undefined)
    const { kinds, device, plan } = setting(valuesFor(20), { refuses })
    expect(kinds).toHaveLength(2)
    expect(Object.keys(plan.refused)).toEqual(['Device.A.P7', 'Device.A.P17'])
    expect(plan.refused['Device.A.P7']).toMatchObject({ code: 9007, mac: CONTEXT.macOf('Device.A.P7', 'new') })
    expect([device.values.get('Device.A.P7'), device.values.get('Device.A.P8')]).toEqual(['7', 'new'])
  })

  it('finds by halves which value a device means that does not say it [TR-069 §7]', () => {
    for (const code of [9003, 9005, 9006, 9007, 9008]) {
      const { kinds, plan } = setting(valuesFor(64), {
        bare: true,
        refuses: (path) => (path.endsWith('.P9') ? code : undefined),
      })
      expect(Object.entries(plan.refused).map(([path, each]) => [path, each.code])).toEqual([['Device.A.P9', code]])
      expect(kinds).toHaveLength(1 + 2 * 6)
    }
  })

  it('waits as a whole for a device that denies or fails', () => {
    for (const code of [9001, 9002]) {
      const { plan, kinds } = drive(withWished(learned(leaves(9)).plan, wish(valuesFor(9))), () => fault(code))
      expect([kinds.length, plan.short, plan.refused]).toEqual([1, true, {}])
    }
  })

  it('forgets that a value was refused when another is taken', () => {
    const refused = { 'Device.A.P0': { mac: 'old', code: 9007, text: '', at: '' } }
    const { plan, writes } = drive(
      { ...withWished({ ...learned(leaves(1)).plan, refused }, wish(valuesFor(1))) },
      () => ({
        kind: 'SetParameterValuesResponse',
        status: 0,
      }),
    )
    expect([plan.refused, written(writes, 'refused')]).toEqual([{}, [{ kind: 'refused', values: {} }]])
  })

  it('keeps of a secret only its keyed hash, and not what the device says of it', () => {
    const secret = 'made-up-word'
    for (const weakness of [{}, { refuses: () => 9007 }, { refuses: () => 9007, bare: true }] satisfies Weakness[]) {
      const { writes, plan } = setting(valuesFor(3, secret, true), weakness)
      expect(JSON.stringify([writes, plan.refused])).not.toContain(secret)
    }
  })

  it('remembers a notification that is refused for good [TR-069 §7 SetParameterAttributes]', () => {
    const attributes = [{ path: `${LINES}1.Status`, notification: 1 as const }]
    const { plan, kinds } = drive(withWished(learned(leaves(1)).plan, wish([], { attributes })), () => fault(9009))
    expect(kinds).toEqual(['SetParameterAttributes'])
    expect(plan.refused[`notification:${LINES}1.Status`]).toMatchObject({ code: 9009 })
  })
})

describe('lines', () => {
  const add = { kind: 'add-object', path: LINES, wanted: 3 } as const
  const two = () => learned({ [`${LINES}1.Status`]: 'Up', 'Device.X': '1' })

  it('are added after a look at their table, and learned together [TR-069 §7 AddObject]', () => {
    const { device, plan } = two()
    const run = bring(
      plan,
      () => wish([], { objects: [add, add] }),
      (request) => device.answer(request),
    )
    expect(run.kinds).toEqual([
      'GetParameterNames',
      'AddObject',
      'AddObject',
      'GetParameterNames',
      'GetParameterValues',
    ])
    expect([run.plan.tree.get(`${LINES}3.Status`)?.value, run.plan.short]).toEqual(['Disabled', false])
  })

  it('are not added twice when the answer was lost [TR-069 §11]', () => {
    const { device, plan } = two()
    const lost = bring(
      plan,
      () => wish([], { objects: [add] }),
      (request) => {
        const said = device.answer(request)
        return request.kind === 'AddObject' ? undefined : said
      },
    )
    expect(lost.kinds.at(-1)).toBe('AddObject')
    const run = bring(
      plan,
      () => wish([], { objects: [add] }),
      (request) => device.answer(request),
    )
    expect(run.kinds).toEqual(['GetParameterNames', 'GetParameterNames', 'GetParameterValues'])
    expect(device.objects.has(`${LINES}3.`)).toBe(false)
  })

  it('of a phone that has no more room are asked for once [TR-069 §7 AddObject]', () => {
    const { device, plan } = learned({ [`${LINES}1.Status`]: 'Up' }, { instancesMax: 2 })
    const run = bring(
      plan,
      () => wish([], { objects: [add, add, add] }),
      (request) => device.answer(request),
    )
    expect(run.kinds.filter((kind) => kind === 'AddObject')).toHaveLength(2)
    expect(run.plan.refused[`add-object:${LINES}`]).toMatchObject({ code: 9004 })
    expect(run.plan.tree.get(`${LINES}2.Status`)?.value).toBe('Disabled')
  })

  it('that are too many are taken away, and are gone also where they were gone already [TR-069 §11]', () => {
    const { device, plan } = two()
    const objects = [{ kind: 'delete-object', path: `${LINES}1.`, wanted: 1 } as const]
    for (const _ of [1, 2]) {
      const { writes } = drive(withWished({ ...plan, tree: new Map(plan.tree) }, wish([], { objects })), (request) =>
        device.answer(request),
      )
      expect(written(writes, 'instances-gone')).toEqual([{ kind: 'instances-gone', path: `${LINES}1.` }])
    }
  })
})

describe('a task to add an object', () => {
  const task = (more: Partial<OpenTask>): OpenTask => ({
    id: 't',
    request: { kind: 'add-object', path: LINES },
    commandKey: 'k',
    state: 'queued',
    tries: 0,
    dueAt: 0,
    sentAt: undefined,
    ...more,
  })
  const known = () => learned({ [`${LINES}1.Status`]: 'Up' })

  it('is asked at once the first time, and what was there is remembered', () => {
    const { device, plan } = known()
    const { kinds, writes } = drive(withTasks(plan, [task({})], NOW), (request) => device.answer(request))
    expect(kinds).toEqual(['AddObject'])
    expect(written(writes, 'task-noted')).toMatchObject([{ id: 't', request: { before: [`${LINES}1.`] } }])
  })

  it.each([
    ['was done', 1, 2, ['GetParameterNames']],
    ['was not done', 0, 2, ['GetParameterNames', 'AddObject']],
  ])('whose answer was lost and which %s is done once [TR-069 §11]', (_, done, instance, expected) => {
    const { device, plan } = known()
    if (done === 1) device.answer({ kind: 'AddObject', objectName: LINES, parameterKey: '' })
    const again = task({ tries: 1, request: { kind: 'add-object', path: LINES, before: [`${LINES}1.`] } })
    const { kinds, writes } = drive(withTasks(plan, [again], NOW), (request) => device.answer(request))
    expect(kinds).toEqual(expected)
    expect(written(writes, 'task-sent')).toHaveLength(1)
    expect(written(writes, 'task-ended')).toMatchObject([{ state: 'done', result: { instanceNumber: instance } }])
    expect(device.objects.has(`${LINES}3.`)).toBe(false)
  })

  it('counts as done by what came since, though the tree was learned anew meanwhile [TR-069 §11]', () => {
    const { device } = known()
    device.answer({ kind: 'AddObject', objectName: LINES, parameterKey: '' })
    const { plan } = drive(startPlan(STATE, NOW), (request) => device.answer(request))
    const again = task({ tries: 1, request: { kind: 'add-object', path: LINES, before: [`${LINES}1.`] } })
    expect(drive(withTasks(plan, [again], NOW), (request) => device.answer(request)).kinds).toEqual([
      'GetParameterNames',
    ])
  })

  it.each([9001, 9002, 9003, 9005])('ends or waits when the look is answered with %i', (code) => {
    const { writes, kinds } = drive(withTasks(known().plan, [task({ tries: 1 })], NOW), () => fault(code))
    expect(kinds).toHaveLength(1)
    expect(writes.at(-1)?.kind).toBe(code < 9003 ? 'task-again' : 'task-ended')
  })

  it('is sent with the others in their order, up to a restart, and not before it is due', () => {
    const { plan } = known()
    const reboot = task({ id: 'r', request: { kind: 'reboot' } })
    const tasks = [
      task({ id: 'late', dueAt: NOW + 1 }),
      task({ id: 'sent', state: 'sent' }),
      task({}),
      reboot,
      task({ id: 'after' }),
    ]
    const next = withTasks(plan, tasks, NOW)
    expect(next.steps.map((step) => step.kind === 'task' && step.task.id)).toEqual(['t', 'r'])
    expect(next.endsWithTasks).toBe(true)
  })
})

describe('termination', () => {
  const names = fc.array(
    fc.constantFrom('Device.', 'Device.A.', 'Device.A.P0', 'Device.A.P1', 'Device.B.', 'Device.B.C.', `${LINES}2.`),
    { maxLength: 6 },
  )
  const answer: fc.Arbitrary<CwmpRpc | CwmpFault> = fc.oneof(
    fc.record({ code: fc.integer({ min: 9000, max: 9020 }), of: names }).map(({ code, of }) =>
      fault(
        code,
        of.map((name) => ({ name, code: 9007, text: '' })),
      ),
    ),
    names.map((of) => ({
      kind: 'GetParameterNamesResponse' as const,
      parameters: of.map((name) => ({ name, writable: true })),
    })),
    names.map((of) => ({
      kind: 'GetParameterValuesResponse' as const,
      parameters: of.map((name) => ({ name, type: undefined, value: 'x' })),
    })),
    fc.constantFrom<CwmpRpc>(
      { kind: 'SetParameterValuesResponse', status: 1 },
      { kind: 'AddObjectResponse', instanceNumber: 2, status: 0 },
      { kind: 'DeleteObjectResponse', status: 0 },
      { kind: 'RebootResponse' },
    ),
  )
  const wished = wish(valuesFor(8), {
    objects: [
      { kind: 'add-object', path: LINES, wanted: 3 },
      { kind: 'add-object', path: LINES, wanted: 3 },
      { kind: 'delete-object', path: `${LINES}9.`, wanted: 3 },
    ],
    attributes: [{ path: 'Device.A.P0', notification: 1 }],
  })

  it('comes within a bound of requests, whatever a device answers [TR-069 §1.2]', () => {
    fc.assert(
      fc.property(fc.array(answer, { minLength: 1, maxLength: 30 }), (answers) => {
        let at = 0
        const say = (): CwmpRpc | CwmpFault => answers[at++ % answers.length] ?? fault(9002)
        const first = drive(startPlan(STATE, NOW), say, LEARNS_MAX * 70)
        expect(bring(first.plan, () => wished, say).plan.stage).toBe('wished')
      }),
      { seed: SEED, numRuns: 300 },
    )
  })

  it('comes also for a tree that has no end [TR-069 §1.2]', () => {
    const endless = (request: CwmpRpc): CwmpRpc | CwmpFault => {
      if (request.kind !== 'GetParameterNames' || !request.nextLevel) return fault(9004)
      const parameters = ['a.', 'b.', 'c.'].map((name) => ({ name: `${request.path}${name}`, writable: false }))
      return { kind: 'GetParameterNamesResponse', parameters }
    }
    expect(drive(startPlan(STATE, NOW), endless).kinds.length).toBeLessThanOrEqual(3 * LEARNS_MAX)
  })

  it('leaves every wished value either set, or refused with its fault, for any set of refused values', () => {
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { minLength: 1, maxLength: 60 }),
        fc.boolean(),
        fc.integer({ min: 1, max: 80 }),
        (bad, bare, setsMax) => {
          const refuses = (path: string) => (bad[Number(path.slice('Device.A.P'.length))] === true ? 9007 : undefined)
          const { device, plan, kinds } = setting(valuesFor(bad.length), { refuses, bare, setsMax })
          for (const [index, isBad] of bad.entries()) {
            const path = `Device.A.P${index}`
            expect([device.values.get(path) === 'new', plan.refused[path] !== undefined]).toEqual([!isBad, isBad])
          }
          expect(kinds.length).toBeLessThanOrEqual(2 * bad.length + 8)
        },
      ),
      { seed: SEED, numRuns: 200 },
    )
  })
})
