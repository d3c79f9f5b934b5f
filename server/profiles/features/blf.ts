/** "Key 4 shows whether Bob is on the phone, calls him, and picks up his calls." Source: MPP §13.9. */
import type { FeatureMaker } from './kind.ts'
import { atProxy, functionKey, functionScript, keyProblems, LINE_RANGE, lineProblems, readKeyPlace } from './keys.ts'
import { given, HOST_NAME, NAME, USER_ID } from './read.ts'
import type { Blf, KeyPlace } from './types.ts'

export const blf: FeatureMaker<Blf> = {
  read: (fields) => ({
    kind: 'blf',
    place: fields.object('place', readKeyPlace),
    name: fields.text('name', NAME),
    user: fields.text('user', USER_ID),
    call: fields.flag('call', true),
    pickUp: fields.flag('pickUp', true),
    ...given({ host: fields.optionalText('host', HOST_NAME), line: fields.optionalWhole('line', LINE_RANGE) }),
  }),
  expand: ({ place, name, user, host, call, pickUp, line }) =>
    lampKey(place, name, { user: atProxy(user, host), call, pickUp, line }),
  problems: ({ place, line }, model) => [...keyProblems(place, model), ...lineProblems(line, model, 'line')],
}

/** A key that watches a user. Also what the members of a hunt group get. */
export function lampKey(
  place: KeyPlace,
  name: string,
  watched: {
    readonly user: string
    readonly call: boolean
    readonly pickUp: boolean
    readonly line: number | undefined
  },
) {
  const functions = ['blf', ...(watched.call ? ['sd'] : []), ...(watched.pickUp ? ['cp'] : [])]
  const fields = [
    ['sub', watched.user],
    ['ext', watched.user],
    ['vid', watched.line?.toString()],
    ['nme', name],
  ] as const
  return functionKey(place, functionScript(functions, fields), name)
}
