import { describe, expect, it } from 'vitest'
import { challengeToken, createChallenges } from './challenge.ts'

const TOKEN = 'x'.repeat(43)

describe('the path of a challenge', () => {
  it.each([
    [`/.well-known/acme-challenge/${TOKEN}`, TOKEN],
    [`/.well-known/acme-challenge/${TOKEN}/`, undefined],
    [`/.well-known/acme-challenge/${TOKEN}?x=1`, undefined],
    ['/.well-known/acme-challenge/short', undefined],
    [`/.well-known/acme-challenge/..%2f${TOKEN}`, undefined],
    [`/.well-known/acme-challenge/${'x'.repeat(257)}`, undefined],
    ['/cisco-init', undefined],
  ])('%s names %s [RFC 8555 §8.3]', (path, token) => {
    expect(challengeToken(path)).toBe(token)
  })
})

describe('open challenges', () => {
  it('are looked up at most twice for any number of strangers who ask together: now, and for who came meanwhile', async () => {
    let looks = 0
    const find = createChallenges(async () => {
      looks++
      return new Map()
    })
    const answers = await Promise.all(Array.from({ length: 200 }, (_none, index) => find(`${TOKEN}${index}`)))
    expect(new Set(answers)).toEqual(new Set([undefined]))
    expect(looks).toBeGreaterThan(0)
    expect(looks).toBeLessThanOrEqual(2)
  })

  it('are found although somebody looked a moment before they were there', async () => {
    const open = new Map<string, string>()
    const find = createChallenges(async () => new Map(open))
    expect(await find(TOKEN)).toBeUndefined()
    open.set(TOKEN, 'answer')
    expect(await find(TOKEN)).toBe('answer')
  })

  it('are asked for again after a failure', async () => {
    let fails = true
    const find = createChallenges(async () => {
      if (fails) throw new Error('no database')
      return new Map([[TOKEN, 'answer']])
    })
    await expect(find(TOKEN)).rejects.toThrow('no database')
    fails = false
    expect(await find(TOKEN)).toBe('answer')
  })
})
