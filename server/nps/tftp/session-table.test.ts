import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { SessionTable } from './session-table.ts'
import type { SessionLimits } from './session-table.ts'

const roomy: SessionLimits = { unconfirmedMax: 10, confirmedMax: 10, endedMax: 10, perAddressMax: 10 }

describe('SessionTable', () => {
  it('finds a session by its peer in every room until it is removed', () => {
    const { table } = tableOf(roomy)
    const session = place('a', 1)
    expect(table.admit(session)).toBe(true)
    expect(table.get('a|1')).toBe(session)
    table.confirm(session)
    expect(table.get('a|1')).toBe(session)
    table.end(session)
    expect(table.get('a|1')).toBe(session)
    table.remove(session)
    expect(table.get('a|1')).toBeUndefined()
  })

  it('pushes out the oldest that has confirmed nothing, so a flood of forged requests pushes out itself', () => {
    const { table, dropped } = tableOf({ ...roomy, unconfirmedMax: 2 })
    const honest = place('honest', 1)
    table.admit(honest)
    table.confirm(honest)
    for (let port = 1; port <= 5; port += 1) expect(table.admit(place(`forged${port}`, port))).toBe(true)
    expect(dropped.map(({ key }) => key)).toEqual(['forged1|1', 'forged2|2', 'forged3|3'])
    expect(table.get('honest|1')).toBe(honest)
  })

  it('lets nobody in while the house is full of those in the middle of a file', () => {
    const { table, dropped } = tableOf({ ...roomy, confirmedMax: 2 })
    const sessions = [place('a', 1), place('b', 2), place('c', 3)] as const
    for (const session of sessions) table.admit(session)
    for (const session of sessions) table.confirm(session)
    expect(table.admit(place('d', 4))).toBe(false)
    table.end(sessions[0])
    table.confirm(sessions[2])
    expect(table.admit(place('d', 4))).toBe(false)
    table.end(sessions[1])
    expect(table.admit(place('d', 4))).toBe(true)
    expect(dropped).toEqual([])
  })

  it('limits what one address has under way, and does not count what has ended', () => {
    const { table } = tableOf({ ...roomy, perAddressMax: 2 })
    const first = place('a', 1)
    expect([table.admit(first), table.admit(place('a', 2)), table.admit(place('a', 3))]).toEqual([true, true, false])
    expect(table.admit(place('b', 3))).toBe(true)
    table.confirm(first)
    expect(table.admit(place('a', 3))).toBe(false)
    table.end(first)
    expect(table.admit(place('a', 3))).toBe(true)
  })

  it('keeps its ceilings and its counts for any order of events', () => {
    const limits = { unconfirmedMax: 3, confirmedMax: 2, endedMax: 2, perAddressMax: 4 }
    const event = fc.tuple(fc.constantFrom('admit', 'confirm', 'end', 'remove'), fc.nat(3), fc.nat(3))
    fc.assert(
      fc.property(fc.array(event, { maxLength: 80 }), (events) => {
        const { table, dropped } = tableOf(limits)
        const admitted = new Set<Place>()
        for (const [what, address, port] of events) {
          const found = table.get(`${address}|${port}`)
          if (what === 'admit' && found === undefined) {
            const session = place(String(address), port)
            if (table.admit(session)) admitted.add(session)
          } else if (found !== undefined && what !== 'admit') table[what === 'confirm' ? 'confirm' : what](found)
          if (what === 'remove' && found !== undefined) admitted.delete(found)
          for (const session of dropped) admitted.delete(session)
          expect(new Set(table.all())).toEqual(admitted)
          expect(table.all().length).toBeLessThanOrEqual(3 + 2 + 2)
          expect(table.activeCount).toBeLessThanOrEqual(3 + 2)
        }
        for (const session of table.all()) table.remove(session)
        // Nothing is left over in the counts: an address may fill its share again.
        const again = [1, 2, 3].map((port) => table.admit(place('0', port)))
        expect(again).toEqual([true, true, true])
      }),
    )
  })
})

interface Place {
  readonly key: string
  readonly address: string
}

function place(address: string, port: number): Place {
  return { key: `${address}|${port}`, address }
}

function tableOf(limits: SessionLimits): { readonly table: SessionTable<Place>; readonly dropped: readonly Place[] } {
  const dropped: Place[] = []
  return { table: new SessionTable<Place>(limits, (session) => dropped.push(session)), dropped }
}
