/** "Key 2 says Reception", and what the screen calls the phone. Source: MPP §13.5. */
import { modelInfo } from '../../../protocol/profile/mod.ts'
import type { FeatureMaker } from './kind.ts'
import { KEY_RANGE, KEYS_MAX, tooFewKeys } from './keys.ts'
import { given, NAME } from './read.ts'
import type { KeyNames } from './types.ts'

export const keyNames: FeatureMaker<KeyNames> = {
  read(fields) {
    const keys = fields.list('keys', KEYS_MAX, (item) => ({
      key: item.whole('key', KEY_RANGE),
      name: item.text('name', NAME),
    }))
    if (new Set(keys.map(({ key }) => key)).size < keys.length)
      fields.fault('keys', 'a key is named twice', 'Name each key once.')
    return { kind: 'key-names', keys, ...given({ phone: fields.optionalText('phone', NAME) }) }
  },
  expand: ({ keys, phone }) => [
    ...keys.map(({ key, name }) => [`Short_Name_${key}_`, { value: name }] as const),
    ...(phone === undefined ? [] : [['Station_Display_Name', { value: phone }] as const]),
  ],
  problems: ({ keys }, model) =>
    keys
      .filter(({ key }) => key > (modelInfo(model)?.lineKeys ?? key))
      .map(({ key }) => tooFewKeys(`Short_Name_${key}_`, key, model)),
}
