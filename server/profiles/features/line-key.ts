/** "Key 3 is extension 1 once more." Source: MPP §13.5. */
import { appliesTo, modelInfo } from '../../../protocol/profile/mod.ts'
import { type FeatureMaker, parametersOf } from './kind.ts'
import { KEY_RANGE, LINE_RANGE, lineProblems, tooFewKeys } from './keys.ts'
import { given, NAME } from './read.ts'
import type { LineKey } from './types.ts'

export const lineKey: FeatureMaker<LineKey> = {
  read: (fields) => ({
    kind: 'line-key',
    key: fields.whole('key', KEY_RANGE),
    line: fields.whole('line', LINE_RANGE),
    shared: fields.flag('shared', false),
    ...given({ name: fields.optionalText('name', NAME) }),
  }),
  expand: ({ key, line, name, shared }, { device }) =>
    parametersOf({
      [`Extension_${key}_`]: String(line),
      [`Short_Name_${key}_`]: name,
      [`Share_Call_Appearance_${key}_`]: shared ? 'shared' : 'private',
      // Some models have no function on their line keys: then there is none to take away.
      [`Extended_Function_${key}_`]: appliesTo(`Extended_Function_${key}_`, device.model) ? '' : undefined,
    }),
  problems: ({ key, line }, model) => [
    ...(key <= (modelInfo(model)?.lineKeys ?? key) ? [] : [tooFewKeys(`Extension_${key}_`, key, model)]),
    ...lineProblems(line, model, `Extension_${key}_`),
  ],
}
