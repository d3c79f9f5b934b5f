/** "No do-not-disturb on these phones", or it stands, or it follows the PBX. Source: MPP §13.4 to §13.6. */
import { elementsOfPattern } from '../../../protocol/profile/mod.ts'
import { type FeatureMaker, parametersOf, yesNo } from './kind.ts'
import { given } from './read.ts'
import type { DoNotDisturb } from './types.ts'

export const doNotDisturb: FeatureMaker<DoNotDisturb> = {
  read: (fields) => ({
    kind: 'dnd',
    offered: fields.flag('offered', true),
    ...given({ on: fields.optionalFlag('on'), sync: fields.optionalFlag('sync') }),
  }),
  expand: ({ offered, on, sync }, { device }) => [
    ...parametersOf({ DND_Serv: yesNo(offered) }),
    // What is not offered cannot be on: nobody could end it.
    ...(offered && on === undefined ? [] : [['DND_Setting', { value: yesNo(offered && on === true) }] as const]),
    ...(sync === undefined
      ? []
      : elementsOfPattern('Feature_Key_Sync_n_', device.model).map(
          (element) => [element, { value: yesNo(sync) }] as const,
        )),
  ],
  problems: () => [],
}
