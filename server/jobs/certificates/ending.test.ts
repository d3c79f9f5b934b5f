import { describe, expect, it } from 'vitest'
import { issueServerCertificate } from '../../pki/mod.ts'
import { searchEvents } from '../../store/mod.ts'
import { bodyOfPem, openTestPlatform, plant } from '../../testing.ts'
import { openEndings } from './ending.ts'

const DAY_MS = 86_400_000
const start = Date.now()
let now = start
const { platform, openAnother } = await openTestPlatform({ now: () => now })
const other = await openAnother()
const pair = await issueServerCertificate(platform.secrets.serverCa, ['prov.example.com'], start)
plant(bodyOfPem(pair.keyPem))

async function toldDays(): Promise<readonly unknown[]> {
  const events = await searchEvents(platform.db, { reach: null }, { before: undefined, limit: 100 })
  return events.filter(({ name }) => name === 'certificate.ending').map(({ data }) => data['days'])
}

describe('an end of a certificate', () => {
  it('is told at 30, 14, 7 and 1 days, once each for all processes', async () => {
    for (const each of [platform, other])
      each.setServerCertificate({ source: 'own', chainPem: pair.certPem, caPem: undefined })
    const lookers = [openEndings(platform), openEndings(other)]
    const told: (readonly unknown[])[] = []
    for (const left of [31, 29, 28, 13, 6, 0.5]) {
      now = start + (397 - left) * DAY_MS
      for (const each of lookers) await each.tick()
      told.push((await toldDays()).toReversed())
    }
    expect(told).toEqual([[], [30], [30], [30, 14], [30, 14, 7], [30, 14, 7, 1]])
  })
})
