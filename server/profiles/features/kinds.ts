/** All kinds of features, by name. */
import { err, ok, type Result } from '../../../protocol/result.ts'
import { blf } from './blf.ts'
import { doNotDisturb } from './do-not-disturb.ts'
import { forward } from './forward.ts'
import { huntGroup } from './hunt-group.ts'
import { keyNames } from './key-names.ts'
import type { FeatureMaker } from './kind.ts'
import { lineKey } from './line-key.ts'
import { readFields, type UnknownFields } from './read.ts'
import { sharedLine } from './shared-line.ts'
import { speedDial } from './speed-dial.ts'
import { timeAndLocale } from './time-and-locale.ts'
import type { FeatureBody, FeatureKind, FeatureProblem } from './types.ts'
import { userLimits } from './user-limits.ts'
import { voicemail } from './voicemail.ts'

type Makers = { readonly [K in FeatureKind]: FeatureMaker<Extract<FeatureBody, { readonly kind: K }>> }

const MAKERS: Makers = {
  'speed-dial': speedDial,
  blf,
  'line-key': lineKey,
  'shared-line': sharedLine,
  'hunt-group': huntGroup,
  'key-names': keyNames,
  forward,
  'time-and-locale': timeAndLocale,
  'user-limits': userLimits,
  voicemail,
  dnd: doNotDisturb,
}

export const FEATURE_KINDS = Object.keys(MAKERS) as readonly FeatureKind[]

/** The maker belongs to the body's kind, which the compiler cannot follow through a union. */
export function makerOf(kind: FeatureKind): FeatureMaker<FeatureBody> {
  return MAKERS[kind] as unknown as FeatureMaker<FeatureBody>
}

/**
 * A feature from JSON: an object with `kind` and the fields of that kind.
 * @param unknownFields whether a field that the kind does not have is a fault
 * @returns the feature, or every fault with its place and what was expected. Never throws.
 */
export function readFeature(
  input: unknown,
  unknownFields: UnknownFields = 'refuse',
): Result<FeatureBody, readonly FeatureProblem[]> {
  const kind = typeof input === 'object' && input !== null ? (input as { readonly kind?: unknown }).kind : undefined
  const known = FEATURE_KINDS.find((each) => each === kind)
  if (known === undefined) {
    const shown = typeof kind === 'string' ? `"${kind.slice(0, 60)}"` : 'nothing'
    const advice = `Give one of ${FEATURE_KINDS.join(', ')}.`
    return err([
      { code: 'bad-feature', element: 'kind', message: `kind: there is no kind of feature ${shown}`, advice },
    ])
  }
  const read = readFields(input, unknownFields, (fields) => makerOf(known).read(fields))
  return read.ok ? ok(read.value) : read
}
