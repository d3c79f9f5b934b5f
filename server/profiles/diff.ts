/** What differs between two profiles, element by element. Values of secrets are compared, never told. */
import { catalogue, compareElements, readProfile, type UserAccess } from '../../protocol/profile/mod.ts'
import type { Result } from '../../protocol/result.ts'
import { err, ok } from '../../protocol/result.ts'
import type { Origin, ResolvedProfile } from './types.ts'

/** One side of a comparison: values by element. The marker is the name of the whole and no part of it. */
export type ProfileSide = ReadonlyMap<string, SideValue>

export interface SideValue {
  readonly value: string
  readonly ua: UserAccess | undefined
  /** Known for what we would render now, not for what was rendered once. */
  readonly origin?: Origin
}

export interface ProfileChange {
  readonly element: string
  /** `access`: the value is the same, what users may do with it is not. */
  readonly change: 'added' | 'removed' | 'changed' | 'access'
  readonly secret: boolean
  /** Null where it is not there, or a secret. */
  readonly from: { readonly value: string | null; readonly ua: UserAccess | null } | null
  readonly to: { readonly value: string | null; readonly ua: UserAccess | null } | null
  /** Where the wanted side has it from, if one side is wanted. */
  readonly origin: Origin | undefined
}

const MARKER_ELEMENT = 'GPP_P'

export function sideOfResolved(resolved: ResolvedProfile): ProfileSide {
  return new Map(
    [...resolved]
      .filter(([element]) => element !== MARKER_ELEMENT)
      .map(([element, { value, ua, origin }]) => [element, { value, ua, origin }]),
  )
}

/** @param text a profile as it was rendered */
export function sideOfText(text: string): Result<ProfileSide, { readonly message: string }> {
  const profile = readProfile(text)
  if (!profile.ok) return err({ message: profile.error.message })
  const elements = profile.value.elements
    .filter(({ name }) => name !== MARKER_ELEMENT)
    .map(({ name, value, ua }): [string, SideValue] => [name, { value: value === '""' ? '' : value, ua }])
  return ok(new Map(elements))
}

/** Every difference, in catalogue order. */
export function diffProfiles(from: ProfileSide, to: ProfileSide): readonly ProfileChange[] {
  const elements = [...new Set([...from.keys(), ...to.keys()])].sort(compareElements)
  return elements.flatMap((element) => {
    const change = changeOf(element, from.get(element), to.get(element))
    return change === undefined ? [] : [change]
  })
}

function changeOf(element: string, from: SideValue | undefined, to: SideValue | undefined): ProfileChange | undefined {
  const change = kindOfChange(from, to)
  if (change === undefined) return undefined
  const secret = catalogue.find(element)?.secret ?? false
  return {
    element,
    change,
    secret,
    from: shown(from, secret),
    to: shown(to, secret),
    origin: to?.origin ?? from?.origin,
  }
}

function kindOfChange(from: SideValue | undefined, to: SideValue | undefined): ProfileChange['change'] | undefined {
  if (from === undefined) return 'added'
  if (to === undefined) return 'removed'
  if (from.value !== to.value) return 'changed'
  return from.ua === to.ua ? undefined : 'access'
}

function shown(side: SideValue | undefined, secret: boolean): ProfileChange['from'] {
  return side === undefined ? null : { value: secret ? null : side.value, ua: side.ua ?? null }
}
