import { expect, test } from 'vitest'

import { CWMP_NAMESPACE, CWMP_VERSIONS, chooseVersion, versionOfAcs } from './mod.ts'

const urn = (n: number) => `urn:dslforum-org:cwmp-1-${n}`

test.each([
  [0, '1.0'],
  [1, '1.1'],
  [2, '1.2'],
  [3, '1.3'],
  [4, '1.4'],
  [5, '1.4'],
  [9, '1.4'],
])('takes the URN cwmp-1-%i alone for version %s [TR-069 §3.3]', (n, version) => {
  expect(chooseVersion({ namespace: urn(n) })).toEqual({ kind: 'use', version, header: false })
  expect(chooseVersion({ namespace: urn(n), supportedVersions: [] })).toEqual({ kind: 'use', version, header: false })
})

test('takes a session timeout for a sign of version 1.3, in the URN of 1.2 only [TR-069 §3.3]', () => {
  expect(chooseVersion({ namespace: CWMP_NAMESPACE, sessionTimeout: 0 })).toMatchObject({
    version: '1.3',
    header: false,
  })
  expect(chooseVersion({ namespace: urn(0), sessionTimeout: 60 })).toMatchObject({ version: '1.0' })
  expect(chooseVersion({ namespace: urn(4), sessionTimeout: 60 })).toMatchObject({ version: '1.4' })
  expect(chooseVersion({ namespace: 'urn:else' })).toMatchObject({ version: '1.2' })
})

test('takes the highest version of every list, in any order, and none of a list without one [TR-069 §3.3]', () => {
  for (let set = 0; set < 2 ** CWMP_VERSIONS.length; set += 1) {
    const listed = CWMP_VERSIONS.filter((_, at) => ((set >> at) & 1) === 1)
    for (const supportedVersions of [listed, listed.toReversed(), [...listed, '2.0', ' 9.9']]) {
      if (supportedVersions.length === 0) continue
      const version = listed.at(-1)
      const expected = version === undefined ? { kind: 'none' } : { kind: 'use', version, header: true }
      // The URN and the timeout count for nothing then.
      expect(chooseVersion({ namespace: urn(0), supportedVersions, sessionTimeout: 1 })).toEqual(expected)
    }
  }
  expect(chooseVersion({ namespace: urn(2), supportedVersions: [' 1.4 '] })).toMatchObject({ version: '1.4' })
})

test('takes an ACS that does not say its version for as old as its URN [TR-069 §3.3]', () => {
  expect([0, 1, 2, 3, 4].map((n) => versionOfAcs({ namespace: urn(n) }))).toEqual(['1.0', '1.1', '1.2', '1.3', '1.3'])
  expect(versionOfAcs({ namespace: urn(2), useVersion: '1.4' })).toBe('1.4')
  expect(versionOfAcs({ namespace: urn(2), useVersion: '2.0' })).toBeUndefined()
})
