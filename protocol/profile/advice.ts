import type { Parameter } from './parameter.ts'
import type { ProfileProblem } from './profile.ts'

interface NumberRange {
  readonly min: number
  readonly max: number
  readonly unit: string
}

/** Ranges that the guides name beside the type (`allowed:` in the descriptions, MPP §5.1, §12.2, §13). */
const RANGES: Readonly<Record<string, NumberRange>> = {
  Max_Forward: { min: 1, max: 255, unit: '' },
  Max_Auth: { min: 0, max: 255, unit: '' },
  RTCP_Tx_Interval: { min: 0, max: 255, unit: ' seconds' },
  Periodic_Upload_To_Server: { min: 600, max: 259_200, unit: ' seconds' },
  Upload_Delay_On_Local_Change: { min: 10, max: 900, unit: ' seconds' },
  PRT_Max_Timer: { min: 15, max: 1440, unit: ' minutes' },
  Reorder_Delay: { min: 0, max: 255, unit: ' seconds' },
  Interdigit_Long_Timer: { min: 0, max: 64, unit: ' seconds' },
  Interdigit_Short_Timer: { min: 0, max: 64, unit: ' seconds' },
  Subscription_Expires_n_: { min: 10, max: 65_535, unit: ' seconds' },
  Register_Expires_n_: { min: 32, max: 2_000_000, unit: ' seconds' },
  Screen_Saver_Wait: { min: 30, max: 65_000, unit: ' seconds' },
  Max_Display_Records: { min: 50, max: 999, unit: '' },
  Display_Off_Idle_Timeout__mins_: { min: 1, max: 60, unit: ' minutes' },
}

const ACCOUNT_PASSWORDS: ReadonlySet<string> = new Set(['Admin_Password', 'User_Password'])

/**
 * What the guides advise beyond the type: ranges, and the strength of the account passwords (MPP §7.1). What a phone
 * does outside of them is not documented, so a phone stores such values; a server should warn before it sends them.
 * @returns the problem, without the value where that is secret; undefined if there is nothing to say.
 */
export function adviseValue(parameter: Parameter, value: string): ProfileProblem | undefined {
  if (value === '') return undefined
  if (ACCOUNT_PASSWORDS.has(parameter.name)) return advisePassword(parameter, value)
  const range = RANGES[parameter.name]
  if (range === undefined) return undefined
  const size = Number(value)
  if (size >= range.min && size <= range.max) return undefined
  const shown = value.slice(0, 60)
  const message = `"${parameter.name}" should not be "${shown}": expected ${range.min} to ${range.max}${range.unit}`
  return { code: 'out-of-range', message }
}

function advisePassword(parameter: Parameter, value: string): ProfileProblem | undefined {
  const classes = [/[A-Z]/, /[a-z]/, /[0-9]/, /[^A-Za-z0-9]/].filter((form) => form.test(value)).length
  if (value.length >= 8 && value.length <= 127 && classes >= 3 && !/\s/.test(value)) return undefined
  const message = `"${parameter.name}" is too weak: expected 8 to 127 characters of three kinds, without spaces`
  return { code: 'weak-password', message }
}
