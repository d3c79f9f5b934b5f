import { describe, expect, it } from 'vitest'
import { type CwmpRpc, faultsOf } from '../../protocol/cwmp/mod.ts'
import {
  afterAnswer,
  afterInform,
  afterTransfer,
  afterTransferLook,
  fileKey,
  requestOf,
  TRANSFER_GRACE_MS,
  TRIES_MAX,
} from './tasks.ts'
import { CONTEXT, fault, NOW } from './testing-device.ts'
import type { AcsWrite, OpenTask, TaskKind, TaskRequest } from './types.ts'

const REQUESTS: Readonly<Record<TaskKind, TaskRequest>> = {
  'get-values': { kind: 'get-values', paths: ['Device.A'] },
  'get-names': { kind: 'get-names', path: 'Device.', nextLevel: true },
  'set-values': { kind: 'set-values', values: [{ path: 'Device.A', value: '1' }] },
  'set-attributes': { kind: 'set-attributes', attributes: [{ path: 'Device.A', notification: 2 }] },
  'add-object': { kind: 'add-object', path: 'Device.T.' },
  'delete-object': { kind: 'delete-object', path: 'Device.T.1.' },
  reboot: { kind: 'reboot' },
  'factory-reset': { kind: 'factory-reset' },
  download: { kind: 'download', file: 'firmware', url: 'https://a.example/x.loads', version: 'v1' },
}
const KINDS = Object.keys(REQUESTS) as TaskKind[]

function task(kind: TaskKind, more: Partial<OpenTask> = {}): OpenTask {
  return {
    id: 't',
    request: REQUESTS[kind],
    commandKey: 'key1',
    state: 'queued',
    tries: 0,
    dueAt: 0,
    sentAt: undefined,
    ...more,
  }
}

function requestFor(kind: TaskKind): CwmpRpc {
  return requestOf(task(kind), { oui: '2C01B5', parameterKey: 'p', typeOf: () => 'boolean' })
}

function kindsOf(writes: readonly AcsWrite[]) {
  return writes.map((write) => (write.kind === 'task-ended' ? write.state : write.kind))
}

describe('a task', () => {
  const rows = KINDS.flatMap((kind) => (faultsOf(requestFor(kind).kind) ?? []).map((code) => ({ kind, code })))

  it.each(rows)(
    'to $kind that is answered with $code ends, or is tried again until it ends [TR-069 §4.3]',
    ({ kind, code }) => {
      let sent = 0
      let last: readonly AcsWrite[] = []
      do {
        last = afterAnswer(task(kind, { tries: sent }), fault(code), NOW)
        sent += 1
      } while (last.some((write) => write.kind === 'task-again' && write.dueAt > NOW) && sent < 100)
      expect(sent).toBeLessThanOrEqual(TRIES_MAX)
      expect(sent).toBe([9001, 9002, 9004].includes(code) ? TRIES_MAX : 1)
      expect(last).toMatchObject([{ kind: 'task-ended', state: 'failed', fault: { code, text: 'no' } }])
    },
  )

  it('to delete what a lost answer had deleted already is done [TR-069 §11]', () => {
    expect(kindsOf(afterAnswer(task('delete-object', { tries: 1 }), fault(9005), NOW))).toEqual([
      'instances-gone',
      'done',
    ])
  })

  it('sends a value with the type that the device last reported [TR-069 §3.5]', () => {
    expect(requestFor('set-values')).toMatchObject({ parameters: [{ name: 'Device.A', type: 'boolean', value: '1' }] })
  })

  it.each<[TaskKind, CwmpRpc, readonly string[]]>([
    ['set-values', { kind: 'SetParameterValuesResponse', status: 1 }, ['parameters', 'done']],
    ['add-object', { kind: 'AddObjectResponse', instanceNumber: 4, status: 0 }, ['parameters', 'done']],
    ['delete-object', { kind: 'DeleteObjectResponse', status: 0 }, ['instances-gone', 'done']],
    ['reboot', { kind: 'RebootResponse' }, ['task-waits']],
    ['factory-reset', { kind: 'FactoryResetResponse' }, ['task-waits']],
    [
      'download',
      { kind: 'DownloadResponse', status: 1, startTime: undefined, completeTime: undefined },
      ['task-waits'],
    ],
    ['download', { kind: 'DownloadResponse', status: 0, startTime: 1, completeTime: 2 }, ['done', 'file-taken']],
    ['reboot', { kind: 'GetRPCMethodsResponse', methods: [] }, ['failed']],
  ])(
    'to %s that is answered is over, or waits for what the device tells later [TR-069 §7]',
    (kind, answer, expected) => {
      expect(kindsOf(afterAnswer(task(kind), answer, NOW))).toEqual(expected)
    },
  )

  it('keeps no secret of what it wrote or read, and none in its fault', () => {
    const request: TaskRequest = { kind: 'set-values', values: [{ path: 'Device.A.Password', value: 'made-up-word' }] }
    const answers = [
      fault(9003, [{ name: 'Device.A.Password', code: 9007, text: 'not "made-up-word"' }]),
      { kind: 'SetParameterValuesResponse', status: 0 } as const,
      {
        kind: 'GetParameterValuesResponse',
        parameters: [{ name: 'Device.A.Password', type: 'string', value: 'made-up-word' }],
      } as const,
    ]
    for (const answer of answers) {
      expect(JSON.stringify(afterAnswer(task('set-values', { request }), answer, NOW, CONTEXT.macOf))).not.toContain(
        'made-up-word',
      )
    }
    expect(
      afterAnswer(
        task('set-values', { request }),
        { kind: 'SetParameterValuesResponse', status: 0 },
        NOW,
        CONTEXT.macOf,
      ),
    ).toMatchObject([{ rows: [{ sentMac: CONTEXT.macOf('Device.A.Password', 'made-up-word') }] }, {}])
  })
})

describe('a download whose answer was lost', () => {
  const lost = (age: number) => task('download', { state: 'queued', tries: 1, sentAt: NOW - age })
  const listed = (...keys: string[]) =>
    ({ kind: 'GetQueuedTransfersResponse', transfers: keys.map((commandKey) => ({ commandKey, state: 1 })) }) as const
  const fault = { kind: 'Fault', code: 9000, text: '', parameterFaults: [] } as const

  it('is asked for again where the device does not have it, or cannot say for too long [TR-069 §11]', () => {
    expect(afterTransferLook(lost(0), listed(' key1 '), NOW)).toMatchObject({ kind: 'task-waits' })
    expect(afterTransferLook(lost(TRANSFER_GRACE_MS), listed('other'), NOW)).toBeUndefined()
    expect(afterTransferLook(lost(TRANSFER_GRACE_MS - 1), fault, NOW)).toMatchObject({ kind: 'task-waits' })
    expect(afterTransferLook(lost(TRANSFER_GRACE_MS), fault, NOW)).toBeUndefined()
  })
})

describe('an Inform', () => {
  const MINUTE = 60_000
  const event = (text: string) => {
    const [code = '', commandKey = ''] = text.split('/')
    return { code, commandKey }
  }
  it.each<[TaskKind, OpenTask['state'], number, readonly string[], readonly string[]]>([
    ['reboot', 'waiting', 0, ['1 BOOT', 'M Reboot/ key1 '], ['done']],
    ['reboot', 'sent', 0, ['1 BOOT', 'M Reboot/key1'], ['done']],
    ['reboot', 'waiting', MINUTE, ['1 BOOT'], ['done']],
    ['reboot', 'waiting', MINUTE, ['1 BOOT', 'M Reboot/'], ['done']],
    ['reboot', 'waiting', MINUTE, ['1 BOOT', 'M Reboot/other'], []],
    ['reboot', 'waiting', 1000, ['1 BOOT'], []],
    ['reboot', 'waiting', MINUTE, ['2 PERIODIC'], []],
    ['reboot', 'sent', MINUTE, ['2 PERIODIC'], ['task-again']],
    ['reboot', 'waiting', TRANSFER_GRACE_MS, ['2 PERIODIC'], ['task-again']],
    ['reboot', 'queued', MINUTE, ['1 BOOT'], []],
    ['factory-reset', 'waiting', 0, ['0 BOOTSTRAP', '1 BOOT'], ['done']],
    ['factory-reset', 'sent', 0, ['0 BOOTSTRAP'], ['done']],
    ['factory-reset', 'waiting', MINUTE, ['1 BOOT'], []],
    ['factory-reset', 'sent', MINUTE, ['1 BOOT'], ['task-again']],
    ['download', 'waiting', TRANSFER_GRACE_MS, ['7 TRANSFER COMPLETE', 'M Download/key1'], []],
    ['download', 'waiting', TRANSFER_GRACE_MS, ['7 TRANSFER COMPLETE'], []],
    ['download', 'waiting', MINUTE, ['1 BOOT'], []],
    ['download', 'sent', MINUTE, ['2 PERIODIC'], ['task-again']],
    ['download', 'waiting', TRANSFER_GRACE_MS, ['2 PERIODIC'], ['task-again']],
    ['add-object', 'sent', MINUTE, ['2 PERIODIC'], ['task-again']],
    ['set-values', 'sent', MINUTE, ['1 BOOT'], ['task-again']],
  ])('tells of a task to %s that is %s for %i ms: %j [TR-069 §5.1, §7]', (kind, state, age, events, expected) => {
    const writes = afterInform(task(kind, { state, tries: 1, sentAt: NOW - age }), { events: events.map(event) }, NOW)
    expect(kindsOf(writes)).toEqual(expected)
  })

  it.each(KINDS)('ends a task to %s whose answer was lost too often [TR-069 §11]', (kind) => {
    const lost = task(kind, { state: 'sent', tries: TRIES_MAX, sentAt: NOW - TRANSFER_GRACE_MS })
    expect(kindsOf(afterInform(lost, { events: [event('2 PERIODIC')] }, NOW))).toEqual(['failed'])
  })
})

describe('a report of a transfer', () => {
  const open = [task('reboot', { id: 'r' }), task('download', { state: 'waiting', tries: 1 })]
  const report = (commandKey: string, code = 0) => ({ commandKey, fault: { code, text: 'x'.repeat(5000) } })

  it('is matched by its key, whatever white space is around it [TR-069 §7 TransferComplete]', () => {
    expect(afterTransfer(open, report(' key1 '))).toMatchObject([
      { id: 't', state: 'done' },
      { kind: 'file-taken', version: 'v1' },
    ])
  })

  it('of an unknown key, or a second time, changes nothing [TR-069 §7, §11]', () => {
    expect([afterTransfer(open, report('key2')), afterTransfer([], report('key1'))]).toEqual([undefined, undefined])
  })

  it.each([9010, 9012, 9015, 9016, 9017])('with %i ends the task, and the file is asked for again later', (code) => {
    const writes = afterTransfer(open, report('key1', code), { refused: {}, now: NOW }) ?? []
    expect(writes).toMatchObject([{ state: 'failed', fault: { code } }])
    expect(JSON.stringify(writes).length).toBeLessThan(1200)
  })

  it.each([9013, 9018, 9019])('with %i is remembered with the version, which is not asked for again', (code) => {
    const writes = afterTransfer(open, report('key1', code), {
      refused: { a: { mac: '', code: 1, text: '', at: '' } },
      now: NOW,
    })
    expect(writes?.[1]).toMatchObject({
      kind: 'refused',
      values: { a: {}, [fileKey('firmware')]: { mac: 'v1', code } },
    })
  })
})
