import { describe, expect, it } from 'vitest'
import { ACCOUNT_LEVELS_MAX, type AccountKind, treeProblem } from './tree.ts'

describe('the place of an account', () => {
  it.each<[AccountKind, AccountKind, boolean]>([
    ['operator', 'operator', false],
    ['operator', 'reseller', false],
    ['operator', 'customer', false],
    ['reseller', 'operator', true],
    ['reseller', 'reseller', true],
    ['reseller', 'customer', false],
    ['customer', 'operator', true],
    ['customer', 'reseller', true],
    ['customer', 'customer', true],
  ])('a %s below a %s: %s', (kind, parent, allowed) => {
    const problem = treeProblem(undefined, { kind, height: 1, parent: { kind: parent, path: ['p'] } })
    expect(problem?.kind).toBe(allowed ? undefined : 'wrong-parent')
  })

  it('is no circle, and not deeper than the bound with all that hangs on it', () => {
    const below = (path: string[], height: number) =>
      treeProblem('me', { kind: 'customer', height, parent: { kind: 'customer', path } })?.kind
    expect(below(['root', 'me'], 1)).toBe('circle')
    const path = Array.from({ length: ACCOUNT_LEVELS_MAX - 1 }, (_, index) => `a${index}`)
    expect([below(path, 1), below(path, 2)]).toEqual([undefined, 'too-deep'])
    expect(treeProblem('me', { kind: 'operator', height: 8, parent: undefined })).toBeUndefined()
  })
})
