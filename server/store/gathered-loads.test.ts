import { describe, expect, it } from 'vitest'
import { gatherLoads } from './gathered-loads.ts'

/** A store whose answers wait until they are let go. */
function slowStore() {
  const asked: (readonly number[])[] = []
  const answers: ((error?: Error) => void)[] = []
  const load = gatherLoads<number, string>({
    togetherMax: 3,
    inFlightMax: 1,
    loadMany: (keys) => {
      asked.push(keys)
      return new Promise((resolve, reject) => {
        answers.push((error) => {
          if (error !== undefined) reject(error)
          else resolve(new Map(keys.filter((key) => key < 100).map((key) => [key, `value ${key}`])))
        })
      })
    },
  })
  /** One turn of the event loop, in which what is due begins. */
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  async function answer(error?: Error): Promise<void> {
    await turn()
    answers.shift()?.(error)
    await turn()
  }
  return { load, asked, answer }
}

describe('gathered loads', () => {
  it('asks once for what is asked in one turn, and gives each its own', async () => {
    const { load, asked, answer } = slowStore()
    const loads = Promise.all([load(1), load(2), load(1), load(100)])
    await answer()
    expect(await loads).toEqual(['value 1', 'value 2', 'value 1', undefined])
    expect(asked).toEqual([[1, 2, 100]])
  })

  it('keeps to its bounds, and lets the rest wait and go together', async () => {
    const { load, asked, answer } = slowStore()
    const loads = Promise.all([1, 2, 3, 4, 5].map((key) => load(key)))
    await answer()
    expect(asked).toEqual([
      [1, 2, 3],
      [4, 5],
    ])
    await answer()
    expect(await loads).toHaveLength(5)
  })

  it('asks anew for a key whose load is on its way: what was changed meanwhile is to be seen', async () => {
    const { load, asked, answer } = slowStore()
    const first = load(1)
    const firstDone = answer()
    await firstDone
    const second = load(1)
    await answer()
    expect(await Promise.all([first, second])).toEqual(['value 1', 'value 1'])
    expect(asked).toEqual([[1], [1]])
  })

  it('fails for all that went together, and goes on afterwards', async () => {
    const { load, answer } = slowStore()
    const failed = Promise.allSettled([load(1), load(2)])
    await answer(new Error('the database is away'))
    expect((await failed).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    const next = load(1)
    await answer()
    expect(await next).toBe('value 1')
  })
})
