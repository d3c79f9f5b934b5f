/** Some hundred phones at once at the real door, each with its own certificate: they wait, and all of them are served. */
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { pino } from 'pino'
import { afterAll, describe, expect, it } from 'vitest'
import { createTestDatabase } from '../../server/database/testing.ts'
import { type CertificatePair, issueDeviceCertificate } from '../../server/pki/mod.ts'
import { startServer } from '../../server/main.ts'
import { metrics } from '../../server/metrics/mod.ts'
import { createAccount, ensureLabCa, registerDevice } from '../../server/store/mod.ts'
import { assert } from '../../protocol/result.ts'
import { eventually } from '../life/testing.ts'
import { bodyOfPem, freshMac, plant, plantSecretsOf, PN, serialFor, testSettings } from '../../server/testing.ts'

const PHONES = 250
const SLOW_HANDSHAKES_PER_SECOND = 80
/** A quarter of a second's worth. */
const BEGUN_AT_ONCE = SLOW_HANDSHAKES_PER_SECOND / 4

const database = await createTestDatabase()
const settings = testSettings(database.url, { lab: true, syslogPort: 0, sipPort: 0 })
const server = await startServer({ settings, what: 'a test', log: pino({ level: 'silent' }) })
afterAll(async () => {
  await plantSecretsOf(server.platform)
  await server.stop()
  await database.drop()
})
const { db, vault } = server.platform

async function registeredPhones(): Promise<readonly CertificatePair[]> {
  const lab = await ensureLabCa(db, vault, Date.now())
  const macs = Array.from({ length: PHONES }, () => freshMac())
  await server.platform.change(async (tx) => {
    const account = await createAccount(tx, 'test', {
      name: 'Shop',
      customerId: 'storm',
      kind: 'customer',
      parentId: undefined,
      settings: {},
    })
    assert(account.ok, 'the Customer ID is free')
    for (const mac of macs) {
      const device = { mac, serial: serialFor(mac), model: PN, accountId: account.value.id, lineIds: [] }
      assert((await registerDevice(tx, 'test', device)).ok, 'the MAC is free')
    }
  })
  const pairs: CertificatePair[] = []
  for (const mac of macs) {
    const pair = await issueDeviceCertificate(lab, { mac, serial: serialFor(mac), productName: PN }, Date.now())
    plant(bodyOfPem(pair.keyPem))
    pairs.push(pair)
  }
  return pairs
}

/** All of them knock before any of them says a word: how quick this machine is must not matter. */
async function knock(count: number): Promise<readonly Socket[]> {
  const sockets = Array.from({ length: count }, () => connectTcp({ port: server.ports.https, host: '127.0.0.1' }))
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
  return sockets
}

/** @returns the first line of the answer */
async function ask({ certPem, keyPem }: CertificatePair, socket: Socket): Promise<string> {
  const secure = connectTls({ socket, cert: certPem, key: keyPem, rejectUnauthorized: false })
  await once(secure, 'secureConnect')
  secure.write('GET /cisco-init HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  const chunks: Buffer[] = []
  for await (const chunk of secure as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString().split('\r\n')[0] ?? ''
}

describe('a storm at the real door', () => {
  it('is deferred handshake by handshake, and every phone gets its profile', async () => {
    const phones = await registeredPhones()
    const before = {
      deferred: metrics.admission.total({ outcome: 'deferred' }),
      full: metrics.handshakes.total({ outcome: 'full' }),
    }
    // As if it had been measured to be a slow one.
    server.platform.context.signals.setMachine(SLOW_HANDSHAKES_PER_SECOND)
    const sockets = await knock(PHONES)
    const deferred = () => metrics.admission.total({ outcome: 'deferred' }) - before.deferred
    await eventually('all others to be deferred', () => deferred() >= PHONES - BEGUN_AT_ONCE)
    const answers = await Promise.all(
      phones.map((phone, index) => {
        const socket = sockets[index]
        assert(socket !== undefined, 'each phone has a socket')
        return ask(phone, socket)
      }),
    )
    expect(answers.filter((line) => line === 'HTTP/1.1 200 OK')).toHaveLength(PHONES)
    expect(deferred()).toBe(PHONES - BEGUN_AT_ONCE)
    expect(metrics.handshakes.total({ outcome: 'full' }) - before.full).toBe(PHONES)
    expect(metrics.admission.total({ outcome: 'closed-early' })).toBe(0)
  })
})
