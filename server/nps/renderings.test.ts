import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { gunzip, openSalted } from '../../protocol/envelope/mod.ts'
import { catalogue } from '../../protocol/profile/mod.ts'
import type { DeviceFacts } from '../devices/mod.ts'
import { renderOwnProfile, renderSealedProfile } from '../profiles/mod.ts'
import { accountFacts, deviceFacts, layerOf, lineOf, platformFacts, PN } from '../testing-facts.ts'
import { createRenderings } from './renderings.ts'

const PLATFORM = platformFacts()
const ELEMENTS = catalogue.allFor(PN).filter(({ parameter }) => parameter.type === 'Str' && !parameter.secret)
const shared = fc
  .array(fc.tuple(fc.constantFrom(...ELEMENTS.map(({ element }) => element)), fc.string({ maxLength: 40 })), {
    maxLength: 400,
  })
  .map((entries) => layerOf('model', Object.fromEntries(entries)))

function opened(sealed: Uint8Array, facts: DeviceFacts): string | undefined {
  const packed = openSalted(sealed, facts.secrets?.profileKeys.get(1) ?? '')
  const plain = packed.ok ? gunzip(packed.value, 1_000_000) : undefined
  return plain?.ok === true ? new TextDecoder().decode(plain.value) : undefined
}

describe('renderings', () => {
  it('opens to the text of the profile, and is the same bytes each time [MPP §2.1, §2.2]', () => {
    fc.assert(
      fc.property(shared, fc.array(fc.string({ maxLength: 2000 }), { minLength: 1, maxLength: 4 }), (layer, names) => {
        for (const displayName of names) {
          const facts = deviceFacts(
            {},
            {
              account: accountFacts('acc_1', { delivery: 'sealed' }),
              layers: [layer],
              lines: [lineOf(1, { displayName }), lineOf(3)],
            },
          )
          const sealed = createRenderings().sealed(facts, PLATFORM, 1)
          // Not compared by the matcher: a failure would print passwords.
          expect(opened(sealed, facts) === renderSealedProfile(facts, PLATFORM, 1)).toBe(true)
          expect(Buffer.from(createRenderings().sealed(facts, PLATFORM, 1)).equals(sealed)).toBe(true)
          const own = createRenderings().own(facts, PLATFORM)
          const { text, version } = renderOwnProfile(facts, PLATFORM)
          expect(new TextDecoder().decode(own.bytes) === text && own.version === version).toBe(true)
        }
      }),
      { numRuns: 40 },
    )
  })

  it('has another salt as soon as anything in it is other', () => {
    const facts = deviceFacts()
    const saltOf = (displayName: string): string => {
      const sealed = createRenderings().sealed({ ...facts, lines: [lineOf(1, { displayName })] }, PLATFORM, 1)
      return Buffer.from(sealed.subarray(8, 16)).toString('hex')
    }
    expect(saltOf('a')).not.toBe(saltOf('b'))
  })
})
