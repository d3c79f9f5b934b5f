/**
 * The life of a task: the request that it sends, what an answer means to it, and what to think of one whose answer was
 * never heard. Source: TR-069 §4, §7, §11.
 */
import { type CwmpFault, type CwmpRpc, faultCodeOf, type ParameterValue } from '../../protocol/cwmp/mod.ts'
import { assertNever, type Millis } from '../../protocol/result.ts'
import { isSecretPath, secretsIn, withoutValues } from './secrets.ts'
import type { AcsState, AcsWrite, DownloadKind, KnownParameter, OpenTask, TaskRequest, TaskResult } from './types.ts'

/** What the name of the custom CA's file type is: data, since no document of ours has the exact words. */
export interface FileTypes {
  readonly customCa: (oui: string) => string
}

export const FILE_TYPES: FileTypes = { customCa: (oui) => `X ${oui} Custom CA File` }

/** What a request needs to know of its device. */
export interface RequestContext {
  readonly oui: string
  readonly parameterKey: string
  readonly typeOf: (path: string) => KnownParameter['type']
}

/** The request that carries a task out. */
export function requestOf(task: OpenTask, context: RequestContext): CwmpRpc {
  const { request, commandKey } = task
  const { parameterKey } = context
  switch (request.kind) {
    case 'get-values':
      return { kind: 'GetParameterValues', names: [...request.paths] }
    case 'get-names':
      return { kind: 'GetParameterNames', path: request.path, nextLevel: request.nextLevel }
    case 'set-values':
      return {
        kind: 'SetParameterValues',
        parameters: request.values.map(({ path, value, type }) => ({
          name: path,
          type: type ?? context.typeOf(path),
          value,
        })),
        parameterKey,
      }
    case 'set-attributes':
      return { kind: 'SetParameterAttributes', parameters: request.attributes.map(attributeChange) }
    case 'add-object':
      return { kind: 'AddObject', objectName: request.path, parameterKey }
    case 'delete-object':
      return { kind: 'DeleteObject', objectName: request.path, parameterKey }
    case 'reboot':
      return { kind: 'Reboot', commandKey }
    case 'factory-reset':
      return { kind: 'FactoryReset' }
    case 'download':
      return downloadOf(request, commandKey, context.oui)
    default:
      return assertNever(request)
  }
}

export function attributeChange(change: { readonly path: string; readonly notification: number }) {
  return {
    name: change.path,
    notificationChange: true,
    notification: change.notification,
    accessListChange: false,
    accessList: [],
  }
}

function downloadOf(request: Extract<TaskRequest, { kind: 'download' }>, commandKey: string, oui: string): CwmpRpc {
  return {
    kind: 'Download',
    commandKey,
    fileType: fileTypeOf(request.file, oui),
    url: request.url,
    username: request.username ?? '',
    password: request.password ?? '',
    fileSize: request.fileSize ?? 0,
    targetFileName: request.targetFileName ?? '',
    delaySeconds: request.delaySeconds ?? 0,
    successUrl: '',
    failureUrl: '',
  }
}

function fileTypeOf(file: DownloadKind, oui: string): string {
  switch (file) {
    case 'firmware':
      return '1 Firmware Upgrade Image'
    case 'configuration':
      return '3 Vendor Configuration File'
    case 'custom-ca':
      return FILE_TYPES.customCa(oui)
    default:
      return assertNever(file)
  }
}

/** Faults that may pass: the same is asked again, later. */
const PASSING: readonly number[] = [9001, 9002, 9004]
/** How often a task is sent before a passing fault is its end. */
export const TRIES_MAX = 4
/** Wait before the next try, times the number of tries. */
const AGAIN_MS = 60_000

/**
 * What an answer to a task's request is to be written down as.
 * @param macOf of a secret only its keyed hash is kept
 */
export function afterAnswer(
  task: OpenTask,
  answer: CwmpRpc | CwmpFault,
  now: Millis,
  macOf?: (path: string, value: string) => string,
): readonly AcsWrite[] {
  if (answer.kind === 'Fault') return afterFault(task, answer, now)
  const { id, request } = task
  switch (answer.kind) {
    case 'GetParameterValuesResponse':
      return [{ kind: 'parameters', rows: valuesOf(answer.parameters) }, done(id, valuesResult(answer.parameters))]
    case 'GetParameterNamesResponse':
      return [
        { kind: 'parameters', rows: answer.parameters.map(({ name, writable }) => ({ path: name, writable })) },
        done(id, { count: answer.parameters.length }),
      ]
    case 'SetParameterValuesResponse':
      return [...setWrites(request, macOf), done(id, statusResult(answer.status))]
    case 'SetParameterAttributesResponse':
      return [...attributeWrites(request), done(id)]
    case 'AddObjectResponse':
      return [
        ...addWrites(request, answer.instanceNumber),
        done(id, { instanceNumber: answer.instanceNumber, ...statusResult(answer.status) }),
      ]
    case 'DeleteObjectResponse':
      return [...deleteWrites(request), done(id, statusResult(answer.status))]
    case 'DownloadResponse':
      if (answer.status === 0) return [done(id), ...takenWrites(request)]
      return [{ kind: 'task-waits', id }]
    case 'RebootResponse':
    case 'FactoryResetResponse':
      return [{ kind: 'task-waits', id }]
    default:
      return [failed(id, 0, `The device answered with ${answer.kind}`)]
  }
}

function afterFault(task: OpenTask, fault: CwmpFault, now: Millis): readonly AcsWrite[] {
  const code = faultCodeOf(fault, 'CPE')
  // Gone already is as good as deleted.
  if (task.request.kind === 'delete-object' && code === 9005 && task.tries > 0) {
    return [...deleteWrites(task.request), done(task.id)]
  }
  if (PASSING.includes(code) && task.tries + 1 < TRIES_MAX) {
    return [{ kind: 'task-again', id: task.id, dueAt: now + AGAIN_MS * (task.tries + 1), answered: true }]
  }
  return [failed(task.id, code, withoutValues(faultText(fault), secretsIn(task.request)))]
}

/** The device's words, with those for its parameters. */
export function faultText(fault: CwmpFault): string {
  const each = fault.parameterFaults.map(({ name, code, text }) => `${name}: ${code ?? ''} ${text}`.trim())
  return [fault.text, ...each]
    .filter((text) => text !== '')
    .join('; ')
    .slice(0, 1000)
}

function done(id: string, result?: TaskResult): AcsWrite {
  return { kind: 'task-ended', id, state: 'done', result }
}

export function failed(id: string, code: number, text: string): AcsWrite {
  return { kind: 'task-ended', id, state: 'failed', fault: { code, text } }
}

function statusResult(status: number): TaskResult {
  return status === 1 ? { appliesAfterReboot: true } : {}
}

/** Values as they may be stored: a device that tells a secret is not believed to want it kept. */
export function valuesOf(parameters: readonly ParameterValue[]): readonly KnownParameter[] {
  return parameters.map(({ name, type, value }) => ({
    path: name,
    type,
    value: isSecretPath(name) ? undefined : value.slice(0, VALUE_CHARS_MAX),
  }))
}

/** Longer values are cut in what is kept of them. */
const VALUE_CHARS_MAX = 32_768
/** Values that are kept with the task itself. */
const RESULT_VALUES_MAX = 100

function valuesResult(parameters: readonly ParameterValue[]): TaskResult {
  const shown = valuesOf(parameters.slice(0, RESULT_VALUES_MAX))
  return { count: parameters.length, values: Object.fromEntries(shown.map(({ path, value }) => [path, value ?? null])) }
}

function setWrites(request: TaskRequest, macOf: ((path: string, value: string) => string) | undefined) {
  if (request.kind !== 'set-values') return []
  const rows = request.values.flatMap(({ path, value }): readonly KnownParameter[] => {
    if (!isSecretPath(path)) return [{ path, value: value.slice(0, VALUE_CHARS_MAX) }]
    return macOf === undefined ? [] : [{ path, sentMac: macOf(path, value) }]
  })
  return [{ kind: 'parameters', rows } satisfies AcsWrite]
}

function attributeWrites(request: TaskRequest): readonly AcsWrite[] {
  if (request.kind !== 'set-attributes') return []
  // A partial path stands for all below it, whose own rows are read when they are asked for.
  const rows = request.attributes
    .filter(({ path }) => !path.endsWith('.'))
    .map(({ path, notification }) => ({ path, notification }))
  return [{ kind: 'parameters', rows }]
}

function addWrites(request: TaskRequest, instance: number): readonly AcsWrite[] {
  if (request.kind !== 'add-object' || instance === 0) return []
  return [{ kind: 'parameters', rows: [{ path: `${request.path}${instance}.`, writable: true }] }]
}

function deleteWrites(request: TaskRequest): readonly AcsWrite[] {
  return request.kind === 'delete-object' ? [{ kind: 'instances-gone', path: request.path }] : []
}

function takenWrites(request: TaskRequest): readonly AcsWrite[] {
  if (request.kind !== 'download' || request.version === undefined) return []
  return [{ kind: 'file-taken', file: request.file, version: request.version }]
}

/**
 * What a report of a transfer means; undefined: no open task has that key.
 * @param where what the device has refused so far
 */
export function afterTransfer(
  tasks: readonly OpenTask[],
  report: { readonly commandKey: string; readonly fault: { readonly code: number; readonly text: string } },
  where?: { readonly refused: AcsState['refused']; readonly now: Millis },
): readonly AcsWrite[] | undefined {
  const task = tasks.find(
    ({ commandKey, request }) => request.kind === 'download' && commandKey === report.commandKey.trim(),
  )
  if (task === undefined) return undefined
  if (report.fault.code === 0) return [done(task.id), ...takenWrites(task.request)]
  const text = withoutValues(report.fault.text.slice(0, 1000), secretsIn(task.request))
  return [failed(task.id, report.fault.code, text), ...fileRefused(task, report.fault.code, text, where)]
}

/** Where a file that a device will never take is remembered: no path is like it. */
export function fileKey(file: DownloadKind): string {
  return `file:${file}`
}

/** Asking for the same file again leads to the same end: it is refused, or of a kind that the device does not know. */
const FILE_REFUSED: readonly number[] = [9000, 9003, 9013, 9018, 9019]

/** What remembers that a wished file was refused, so that it is not asked for again until it changes. */
export function fileRefused(
  { request }: OpenTask,
  code: number,
  text: string,
  where: { readonly refused: AcsState['refused']; readonly now: Millis } | undefined,
): readonly AcsWrite[] {
  if (where === undefined || request.kind !== 'download' || request.version === undefined) return []
  if (!FILE_REFUSED.includes(code)) return []
  const value = { mac: request.version, code, text: text.slice(0, 256), at: new Date(where.now).toISOString() }
  return [{ kind: 'refused', values: { ...where.refused, [fileKey(request.file)]: value } }]
}

/** A reboot that no M Reboot reports is believed after any boot later than this: weak devices forget the key. */
const BOOT_GRACE_MS = 5_000
/** A download of which nothing was heard is asked again after this; a phone in a call waits with it. */
export const TRANSFER_GRACE_MS = 30 * 60_000

/**
 * What a look at the device's transfers tells of a download whose answer was lost. A transfer that is over is reported
 * before anything is asked, so one that is not in the list was never begun. A device that cannot say gets its time.
 * @returns undefined: it is to be asked for now
 */
export function afterTransferLook(task: OpenTask, answer: CwmpRpc | CwmpFault, now: Millis): AcsWrite | undefined {
  const waits: AcsWrite = { kind: 'task-waits', id: task.id }
  if (answer.kind === 'GetQueuedTransfersResponse') {
    return answer.transfers.some(({ commandKey }) => commandKey.trim() === task.commandKey) ? waits : undefined
  }
  return now - (task.sentAt ?? now) < TRANSFER_GRACE_MS ? waits : undefined
}

/** What an Inform tells of a task that was sent or waits [TR-069 §5.1, §7 Reboot, §11]. */
export function afterInform(
  task: OpenTask,
  inform: { readonly events: readonly { readonly code: string; readonly commandKey: string }[] },
  now: Millis,
): readonly AcsWrite[] {
  if (task.state === 'queued') return []
  const { id, request, commandKey } = task
  const has = (code: string) => inform.events.some((event) => event.code === code)
  const named = (code: string) =>
    inform.events.some((event) => event.code === code && event.commandKey.trim() === commandKey)
  switch (request.kind) {
    case 'reboot': {
      if (named('M Reboot')) return [done(id)]
      const ofAnother = inform.events.some(({ code, commandKey }) => code === 'M Reboot' && commandKey.trim() !== '')
      if (has('1 BOOT') && now - (task.sentAt ?? now) >= BOOT_GRACE_MS && !ofAnother) return [done(id)]
      return unheard(task, now)
    }
    case 'factory-reset':
      return has('0 BOOTSTRAP') ? [done(id)] : unheard(task, now)
    case 'download':
      // Its report comes within this session.
      if (named('M Download') || has('7 TRANSFER COMPLETE')) return []
      // Whether the device has it is looked at before it is asked again.
      return unheard(task, now)
    default:
      // Whether an object was added is looked at before it is asked again.
      return unheard(task, now)
  }
}

/** A request whose answer was lost is sent again, though not for ever: it may be what ends the session each time. */
function unheard(task: OpenTask, now: Millis): readonly AcsWrite[] {
  if (task.state !== 'sent') return stillWaiting(task, now)
  if (task.tries >= TRIES_MAX) return [failed(task.id, 0, 'The answer was lost each time')]
  return [again(task.id, now)]
}

function again(id: string, now: Millis): AcsWrite {
  return { kind: 'task-again', id, dueAt: now }
}

function stillWaiting(task: OpenTask, now: Millis): readonly AcsWrite[] {
  if (now - (task.sentAt ?? now) < TRANSFER_GRACE_MS) return []
  if (task.tries >= TRIES_MAX) return [failed(task.id, 0, 'The device never reported what became of it')]
  return [again(task.id, now)]
}
