/** The life of an action: what was asked of a phone, from its row to what came of it. */

/** Says to every process that there is something to do: an action, a proxy or a registrar feed was written. */
export const CONTROL_CHANNEL = 'offhook_control'

/**
 * - `queued`: not sent yet, or to be sent again
 * - `sent`: a process has it in hand; the request is out
 * - `challenged`: the proxy or the phone asked for credentials and got them
 * - `accepted`: the phone said yes
 * - `came-back`: the phone has asked us for something since, and we believe who it was
 * - `runs-version`: it says that it runs the profile that is wanted
 * - `failed`, `timed-out`, `cancelled`: over
 */
export const ACTION_STATES = [
  'queued',
  'sent',
  'challenged',
  'accepted',
  'came-back',
  'runs-version',
  'failed',
  'timed-out',
  'cancelled',
] as const
export type ActionState = (typeof ACTION_STATES)[number]

export const ACTION_KINDS = ['resync', 'reboot', 'restart', 'report'] as const
export type ActionKind = (typeof ACTION_KINDS)[number]

/** What has happened, in the order of its happening. */
export interface ActionStep {
  /** ISO 8601. */
  readonly at: string
  readonly state: ActionState
  /** One sentence; never a secret. */
  readonly text: string
}

/**
 * The one way by which an action comes to a state: by a step that says so. Whatever is written, state and last step agree.
 * @param steps an SQL expression (jsonb, a list of `ActionStep`); none leave the state
 * @returns assignments for an `update action a`
 */
export function withSteps(steps: string): string {
  return `steps = a.steps || ${steps}, state = coalesce(${stateAfter(steps)}, a.state)`
}

/** SQL: the state of the last of these steps; null when there are none. */
export function stateAfter(steps: string): string {
  return `(${steps} -> -1 ->> 'state')`
}

/** The state that an action of this kind ends well in: only a resync changes what a phone runs. */
export function goalOf(kind: ActionKind): ActionState {
  return kind === 'resync' ? 'runs-version' : 'came-back'
}
