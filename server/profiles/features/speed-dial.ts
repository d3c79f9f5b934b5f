/** "Speed dial 3 is the front desk": a key, or an entry of the speed dial list. Source: MPP §13.6, §13.9. */
import type { FeatureMaker } from './kind.ts'
import { atProxy, functionKey, functionScript, keyProblems, LINE_RANGE, lineProblems, readKeyPlace } from './keys.ts'
import { type Fields, given, NAME, NUMBER } from './read.ts'
import type { SpeedDial, SpeedDialPlace } from './types.ts'

const ENTRY_RANGE = { min: 2, max: 9 } as const

export const speedDial: FeatureMaker<SpeedDial> = {
  read: (fields) => ({
    kind: 'speed-dial',
    place: fields.object('place', readPlace),
    name: fields.text('name', NAME),
    number: fields.text('number', NUMBER),
    ...given({ line: fields.optionalWhole('line', LINE_RANGE) }),
  }),
  expand({ place, name, number, line }) {
    if (place.kind === 'list') {
      return [
        [`Speed_Dial_${place.entry}_Name`, { value: name }],
        [`Speed_Dial_${place.entry}_Number`, { value: number }],
      ]
    }
    const fields = [
      ['ext', atProxy(number)],
      ['vid', line?.toString()],
      ['nme', name],
    ] as const
    return functionKey(place, functionScript(['sd'], fields), name)
  },
  problems: ({ place, line }, model) =>
    place.kind === 'list' ? [] : [...keyProblems(place, model), ...lineProblems(line, model, 'line')],
}

function readPlace(place: Fields): SpeedDialPlace {
  const kind = place.choice('kind', ['key', 'unit-key', 'list'] as const)
  return kind === 'list' ? { kind, entry: place.whole('entry', ENTRY_RANGE) } : readKeyPlace(place)
}
