import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FEATURE_KINDS } from '../../profiles/mod.ts'
import { anyBody } from '../../profiles/features/testing-features.ts'
import { FEATURE_SHAPES } from './feature-shapes.ts'

interface Shape {
  readonly title: string
  readonly properties: Readonly<Record<string, unknown>>
  readonly required: readonly string[]
}
const shapes = FEATURE_SHAPES as unknown as readonly Shape[]

describe('the shapes of features in the document', () => {
  it('are there for every kind', () => {
    expect(shapes.map(({ title }) => title).toSorted()).toEqual([...FEATURE_KINDS].toSorted())
  })

  it('name every field that a feature may have, and require none that it may lack', () => {
    fc.assert(
      fc.property(anyBody, (body) => {
        const shape = shapes.find(({ title }) => title === body['kind'])
        expect(Object.keys(body).filter((name) => shape?.properties[name] === undefined)).toEqual([])
        expect(shape?.required.filter((name) => body[name] === undefined)).toEqual([])
      }),
      { numRuns: 500 },
    )
  })
})
