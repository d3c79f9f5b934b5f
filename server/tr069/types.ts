/** The nouns of TR-069 as the server sees them: what is asked of a device, what we know of it, what came of it. */
import type { ValueType } from '../../protocol/cwmp/mod.ts'
import type { MacAddress } from '../../protocol/identity.ts'
import type { Millis } from '../../protocol/result.ts'

/** A value to be written; without a type it is sent with the one that the device last reported [TR-069 §3.5]. */
export interface ValueToSet {
  readonly path: string
  readonly value: string
  readonly type?: ValueType | undefined
}

/** Which file a Download brings [TR-069 §7]. */
export type DownloadKind = 'firmware' | 'configuration' | 'custom-ca'

/** What an operator, or the server itself, may ask of a device. */
export type TaskRequest =
  | { readonly kind: 'get-values'; readonly paths: readonly string[] }
  | { readonly kind: 'get-names'; readonly path: string; readonly nextLevel: boolean }
  | { readonly kind: 'set-values'; readonly values: readonly ValueToSet[] }
  | {
      readonly kind: 'set-attributes'
      readonly attributes: readonly { readonly path: string; readonly notification: 0 | 1 | 2 }[]
    }
  | {
      readonly kind: 'add-object'
      readonly path: string
      /** Instances that the device had when it was first asked: a lost answer is told by what came since [TR-069 §11]. */
      readonly before?: readonly string[] | undefined
    }
  | { readonly kind: 'delete-object'; readonly path: string }
  | { readonly kind: 'reboot' }
  | { readonly kind: 'factory-reset' }
  | {
      readonly kind: 'download'
      readonly file: DownloadKind
      readonly url: string
      readonly username?: string | undefined
      readonly password?: string | undefined
      /** Bytes; 0: unknown. */
      readonly fileSize?: number | undefined
      readonly targetFileName?: string | undefined
      readonly delaySeconds?: number | undefined
      /** Set when the wished state asked for it: which version of the file this is. */
      readonly version?: string | undefined
    }

export type TaskKind = TaskRequest['kind']
export const TASK_KINDS = [
  'get-values',
  'get-names',
  'set-values',
  'set-attributes',
  'add-object',
  'delete-object',
  'reboot',
  'factory-reset',
  'download',
] as const satisfies readonly TaskKind[]

/**
 * - `queued`: not asked yet, or to be asked again
 * - `sent`: the request is out; until its answer comes nobody knows whether the device did it
 * - `waiting`: the device said that it will; its TransferComplete, or its boot, says that it has
 * - the rest: over
 */
export type TaskState = 'queued' | 'sent' | 'waiting' | 'done' | 'failed' | 'expired' | 'cancelled'
export const TASK_STATES = [
  'queued',
  'sent',
  'waiting',
  'done',
  'failed',
  'expired',
  'cancelled',
] as const satisfies readonly TaskState[]

/** A task that is not over. */
export interface OpenTask {
  readonly id: string
  readonly request: TaskRequest
  /** At most 32 characters; names the task in events and TransferComplete. */
  readonly commandKey: string
  readonly state: 'queued' | 'sent' | 'waiting'
  /** How often it was sent. */
  readonly tries: number
  readonly dueAt: Millis
  readonly sentAt: Millis | undefined
}

export interface TaskFault {
  /** By TR-069; 0: the server's own words. */
  readonly code: number
  readonly text: string
}

/** What came of a task. */
export type TaskResult = Readonly<Record<string, unknown>>

/** A parameter, or an object (its path ends with a dot), of a device's tree. */
export interface KnownParameter {
  readonly path: string
  readonly type?: ValueType | undefined
  readonly writable?: boolean | undefined
  /** Absent: not read, or a secret. */
  readonly value?: string | undefined
  readonly notification?: number | undefined
  /** A keyed hash of the secret that we last wrote. */
  readonly sentMac?: string | undefined
}

/** A value that a device refused: not asked again until another value is wished. */
export interface RefusedValue {
  /** Keyed hash of the value. */
  readonly mac: string
  readonly code: number
  readonly text: string
  /** ISO 8601. */
  readonly at: string
}

/** The small row of a device: what an idle session needs and nothing else. */
export interface AcsState {
  readonly mac: MacAddress
  readonly informHash: string
  readonly root: string
  readonly treeAt: Millis | undefined
  readonly inStep: string | undefined
  readonly configVersion: string | undefined
  readonly caVersion: string | undefined
  readonly batchMax: number
  readonly refused: Readonly<Record<string, RefusedValue>>
  readonly informSeconds: number | undefined
  readonly software: string | undefined
  readonly tracedUntil: Millis | undefined
  /** Since when something waits for the device. */
  readonly wakeFrom: Millis | undefined
  readonly wakeWay: string | undefined
  /** Tasks that are not over. */
  readonly openTasks: number
}

/** What a session has to write before its next answer leaves. */
export type AcsWrite =
  | { readonly kind: 'parameters'; readonly rows: readonly KnownParameter[] }
  /** The whole tree was read: what was not in it is gone. */
  | { readonly kind: 'tree-read'; readonly before: Millis }
  /** The device was reset, or is new: what was learned of it counts no more [TR-069 §5.2]. */
  | { readonly kind: 'forget' }
  | { readonly kind: 'task-sent'; readonly id: string }
  /** What is to be remembered with a task that is not over. */
  | { readonly kind: 'task-noted'; readonly id: string; readonly request: TaskRequest }
  | { readonly kind: 'task-waits'; readonly id: string }
  /** `answered`: the device has said that it did not do it; else nobody knows. */
  | { readonly kind: 'task-again'; readonly id: string; readonly dueAt: Millis; readonly answered?: true }
  | {
      readonly kind: 'task-ended'
      readonly id: string
      readonly state: 'done' | 'failed'
      readonly fault?: TaskFault | undefined
      readonly result?: TaskResult | undefined
    }
  | { readonly kind: 'task-new'; readonly request: TaskRequest; readonly commandKey: string }
  | { readonly kind: 'batch-max'; readonly value: number }
  | { readonly kind: 'refused'; readonly values: Readonly<Record<string, RefusedValue>> }
  | { readonly kind: 'in-step'; readonly fingerprint: string; readonly informSeconds: number }
  | { readonly kind: 'file-taken'; readonly file: DownloadKind; readonly version: string }
  | { readonly kind: 'instances-gone'; readonly path: string }
