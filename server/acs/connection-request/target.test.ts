import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readTarget } from './target.ts'

const read = (url: string) => {
  const target = readTarget(url, ['0.0.0.0/0'])
  return target.ok ? target.value : undefined
}

describe('the URL of a connection request [TR-069 §8.1]', () => {
  it.each([
    ['http://192.0.2.1:7547/x', '192.0.2.1', 7547, '192.0.2.1:7547', '/x'],
    ['http://192.0.2.1', '192.0.2.1', 80, '192.0.2.1', '/'],
    ['http://192.0.2.1:80/', '192.0.2.1', 80, '192.0.2.1', '/'],
    ['HTTP://Phone.Example:1/A', 'phone.example', 1, 'phone.example:1', '/A'],
    ['http://[2606:4700::1]:65535?q', '2606:4700::1', 65535, '[2606:4700::1]:65535', '/?q'],
    [' http://192.0.2.1/x#y ', '192.0.2.1', 80, '192.0.2.1', '/x'],
    ['http:\\\\192.0.2.1\\x', '192.0.2.1', 80, '192.0.2.1', '/x'],
    ['http://192.0.2.1/ä b', '192.0.2.1', 80, '192.0.2.1', '/%C3%A4%20b'],
    ['ht\ntp://192.0.2.1/x', '192.0.2.1', 80, '192.0.2.1', '/x'],
  ])('%j leads to %s, port %d', (url, host, port, authority, path) =>
    expect(read(url)).toEqual({ host, port, authority, path }),
  )

  it('never puts a space or a line end into the request line', () => {
    const text = fc.string({ unit: 'binary', maxLength: 40 })
    fc.assert(
      fc.property(text, (rest) => {
        for (const url of [`http://192.0.2.1/${rest}`, `http://phone.example${rest}`, rest]) {
          const target = read(url)
          if (target !== undefined) expect(target.path).toMatch(/^\/[\x21-\x7e]*$/)
          if (target !== undefined) expect(target.authority).toMatch(/^[\x21-\x7e]+$/)
        }
      }),
      { seed: 5, numRuns: 2000 },
    )
  })
})
