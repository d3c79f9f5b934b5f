/** What is ready in one turn goes together, but is not held up. */
import { expect, test } from 'vitest'
import { createTogether } from './together.ts'

const turn = (): Promise<void> => new Promise((next) => setImmediate(next))

test('sends what is ready in one turn at its end, in order', async () => {
  const sent: number[] = []
  const together = createTogether(() => 0)
  for (const each of [1, 2, 3]) together.add(() => sent.push(each))
  expect(sent).toEqual([])
  await turn()
  expect(sent).toEqual([1, 2, 3])
})

test('sends at once when many wait', () => {
  const sent: number[] = []
  const together = createTogether(() => 0)
  for (let each = 0; each < 65; each++) together.add(() => sent.push(each))
  expect(sent).toHaveLength(64)
})

test('keeps nobody waiting through a long turn', async () => {
  let now = 0
  const sent: string[] = []
  const together = createTogether(() => now)
  together.add(() => sent.push('first'))
  now = 3
  together.add(() => sent.push('second'))
  expect(sent).toEqual(['first', 'second'])
  together.add(() => sent.push('third'))
  await turn()
  expect(sent).toEqual(['first', 'second', 'third'])
})

test('what is added while others are sent is sent as well', async () => {
  const sent: string[] = []
  const together = createTogether(() => 0)
  together.add(() => {
    sent.push('first')
    together.add(() => sent.push('second'))
  })
  await turn()
  await turn()
  expect(sent).toEqual(['first', 'second'])
})
