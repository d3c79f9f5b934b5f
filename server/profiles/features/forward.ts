/** "Nobody there after 15 seconds: to the front desk." Source: MPP §13.6. */
import { appliesTo } from '../../../protocol/profile/mod.ts'
import type { ProductName } from '../../../protocol/identity.ts'
import { type FeatureMaker, yesNo } from './kind.ts'
import { NUMBER } from './read.ts'
import type { Forward } from './types.ts'

const DELAY_RANGE = { min: 1, max: 600, absent: 20 } as const

/** What a user may do with the elements, in the words of a profile (MPP §1.3). */
const ATTRIBUTES = {
  users: { ua: 'rw', userPref: true },
  provider: { ua: 'ro', userPref: false },
  hidden: { ua: 'na', userPref: false },
} as const

export const forward: FeatureMaker<Forward> = {
  read: (fields) => ({
    kind: 'forward',
    all: fields.optionalText('all', NUMBER) ?? '',
    busy: fields.optionalText('busy', NUMBER) ?? '',
    noAnswer: fields.optionalText('noAnswer', NUMBER) ?? '',
    noAnswerSeconds: fields.whole('noAnswerSeconds', DELAY_RANGE),
    mayChange: fields.choice('mayChange', ['users', 'provider', 'hidden'] as const, 'provider'),
  }),
  expand: (body, { device }) =>
    valuesOf(body, device.model).map(([element, value]) => [element, { value, ...ATTRIBUTES[body.mayChange] }]),
  problems: () => [],
}

function valuesOf(
  { all, busy, noAnswer, noAnswerSeconds }: Forward,
  model: ProductName,
): readonly (readonly [string, string])[] {
  const values = [
    ['Cfwd_All_Dest', all],
    ['Cfwd_Busy_Dest', busy],
    ['Cfwd_No_Ans_Dest', noAnswer],
    ['Cfwd_No_Ans_Delay', String(noAnswerSeconds)],
  ] as const
  // Some models forward wherever there is a destination, others must be told so for each cause.
  const switches = [
    ['Cfwd_Setting', yesNo(true)],
    ['Cfwd_All', yesNo(all !== '')],
    ['Cfwd_Busy', yesNo(busy !== '')],
    ['Cfwd_No_Answer', yesNo(noAnswer !== '')],
  ] as const
  return [...values, ...switches.filter(([element]) => appliesTo(element, model))]
}
