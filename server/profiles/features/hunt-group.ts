/**
 * "Sales is 2000 and rings 1001 and 1002." Who rings and how is a matter of the PBX, which gets it as data; the phones
 * show what they can: shared lines, one more line key, lamps with pick-up. Source: MPP §13.9.
 */
import { appliesTo } from '../../../protocol/profile/mod.ts'
import { assertNever } from '../../../protocol/result.ts'
import { lampKey } from './blf.ts'
import { type FeatureMaker, type Parameters, parametersOf } from './kind.ts'
import { atProxy, KEY_RANGE, keyProblems } from './keys.ts'
import { type Fields, NAME, USER_ID } from './read.ts'
import { sharedExtension } from './shared-line.ts'
import { type FeatureTarget, HUNT_STRATEGIES, type HuntGroup, type HuntGroupOnPhones } from './types.ts'

/** Members of one group. */
export const HUNT_MEMBERS_MAX = 200
const RING_RANGE = { min: 1, max: 600, absent: 20 } as const

export const huntGroup: FeatureMaker<HuntGroup> = {
  read(fields) {
    const members = fields.texts('members', HUNT_MEMBERS_MAX, USER_ID)
    if (members.length === 0) fields.fault('members', 'a hunt group has at least one member', 'Name the user ids.')
    if (new Set(members).size < members.length)
      fields.fault('members', 'a user id is named twice', 'Name each member once.')
    return {
      kind: 'hunt-group',
      name: fields.text('name', NAME),
      number: fields.text('number', USER_ID),
      strategy: fields.choice('strategy', HUNT_STRATEGIES, 'all'),
      ringSeconds: fields.whole('ringSeconds', RING_RANGE),
      members,
      onPhones: fields.object('onPhones', readOnPhones),
    }
  },
  expand: (group, target) => {
    const line = target.lines.find(({ userId }) => group.members.includes(userId))
    return line === undefined ? [] : memberParameters(group, line, target)
  },
  problems({ onPhones, members }, model) {
    switch (onPhones.kind) {
      case 'nothing':
      case 'shared-line':
        return []
      case 'line-key':
        return keyProblems({ kind: 'key', key: onPhones.key }, model)
      case 'pickup-keys': {
        // The last of the keys: a member watches all others.
        const last = onPhones.fromKey + members.length - 2
        return last < onPhones.fromKey ? [] : keyProblems({ kind: 'key', key: last }, model)
      }
      default:
        return assertNever(onPhones)
    }
  },
}

function readOnPhones(fields: Fields): HuntGroupOnPhones {
  const kind = fields.choice('kind', ['nothing', 'pickup-keys', 'shared-line', 'line-key'] as const, 'nothing')
  if (kind === 'pickup-keys') return { kind, fromKey: fields.whole('fromKey', KEY_RANGE) }
  if (kind === 'line-key') return { kind, key: fields.whole('key', KEY_RANGE) }
  return { kind }
}

function memberParameters(
  group: HuntGroup,
  line: { readonly index: number; readonly userId: string },
  { device }: FeatureTarget,
): Parameters {
  const { onPhones, name, number } = group
  switch (onPhones.kind) {
    case 'nothing':
      return []
    case 'shared-line':
      return sharedExtension(line.index, number, device.model)
    case 'line-key': {
      const script = `Extended_Function_${onPhones.key}_`
      return parametersOf({
        [`Extension_${onPhones.key}_`]: String(line.index),
        [`Short_Name_${onPhones.key}_`]: name,
        [`Share_Call_Appearance_${onPhones.key}_`]: 'private',
        [script]: appliesTo(script, device.model) ? '' : undefined,
      })
    }
    case 'pickup-keys':
      return group.members
        .filter((userId) => userId !== line.userId)
        .flatMap((userId, index) =>
          lampKey({ kind: 'key', key: onPhones.fromKey + index }, userId, {
            user: atProxy(userId),
            call: true,
            pickUp: true,
            line: line.index,
          }),
        )
    default:
      return assertNever(onPhones)
  }
}
