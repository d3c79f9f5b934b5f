/** "Extension 2 is shared as 2000." Source: MPP §13.4, §13.9. */
import { appliesTo } from '../../../protocol/profile/mod.ts'
import type { ProductName } from '../../../protocol/identity.ts'
import { type FeatureMaker, type Parameters, parametersOf } from './kind.ts'
import { LINE_RANGE, lineProblems } from './keys.ts'
import { given, USER_ID } from './read.ts'
import type { SharedLine } from './types.ts'

/** The bounds of `Subscription_Expires_n_` (MPP §13.4). */
const SUBSCRIPTION_RANGE = { min: 10, max: 65_535 } as const

export const sharedLine: FeatureMaker<SharedLine> = {
  read: (fields) => ({
    kind: 'shared-line',
    line: fields.whole('line', LINE_RANGE),
    userId: fields.text('userId', USER_ID),
    ...given({ subscriptionSeconds: fields.optionalWhole('subscriptionSeconds', SUBSCRIPTION_RANGE) }),
  }),
  expand: ({ line, userId, subscriptionSeconds }, { device }) => [
    ...sharedExtension(line, userId, device.model),
    ...parametersOf({ [`Subscription_Expires_${line}_`]: subscriptionSeconds?.toString() }),
  ],
  problems: ({ line }, model) => lineProblems(line, model, `Share_Ext_${line}_`),
}

/** The extension takes part in the shared line, and its own key shows what the others do with it. */
export function sharedExtension(line: number, userId: string, model: ProductName): Parameters {
  const key = `Share_Call_Appearance_${line}_`
  return parametersOf({
    [`Share_Ext_${line}_`]: 'Yes',
    [`Shared_User_ID_${line}_`]: userId,
    [key]: appliesTo(key, model) ? 'shared' : undefined,
  })
}
