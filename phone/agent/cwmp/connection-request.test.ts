import { describe, expect, it } from 'vitest'
import { digestAuthorization, parseAuthChallenges } from '../../../protocol/http/mod.ts'
import { assert } from '../../../protocol/result.ts'
import type { WebResponse } from '../types.ts'
import { REQUESTS_PER_MINUTE } from './mod.ts'
import { Desk, type DeskOptions } from './testdata/desk.ts'

const ACCOUNT = { Connection_Request_Username: 'acs', Connection_Request_Password: 'knock-secret' }

class Door {
  readonly desk: Desk

  constructor(options: DeskOptions = {}) {
    this.desk = new Desk({ ...options, values: { ...ACCOUNT, ...options.values } }).boot()
  }

  get path(): string {
    return `/${this.desk.flash.tr069.connectionPath}`
  }

  knock(authorization?: string, more: { readonly method?: string; readonly target?: string } = {}): WebResponse {
    const headers = new Map(authorization === undefined ? [] : [['authorization', authorization]])
    const request = {
      method: 'GET',
      target: this.path,
      headers,
      body: new Uint8Array(0),
      peerAddress: '192.0.2.9',
      tls: false,
      ...more,
    }
    this.desk.bench.send({ kind: 'connection-request', id: 1, request })
    const response = this.desk.bench.responses.at(-1)
    assert(response !== undefined, 'every knock is answered')
    return response
  }

  credentials(password = 'knock-secret', username = 'acs'): string {
    const header = this.knock().headers.find(([name]) => name === 'WWW-Authenticate')?.[1] ?? ''
    const [offer] = parseAuthChallenges(header)
    assert(offer?.scheme === 'digest', 'the phone asks for digest')
    const answer = { username, password, method: 'GET', uri: this.path, cnonce: 'c', nonceCount: 1 }
    return digestAuthorization(offer.challenge, answer)
  }
}

describe('a connection request', () => {
  it('is challenged, then answered, then followed by a session [TR-069 §8.1]', () => {
    const door = new Door()
    expect(door.knock().status).toBe(401)
    expect(door.knock(door.credentials())).toMatchObject({ status: 200, body: '' })
    door.desk.pass(5)
    expect(door.desk.events().at(-1)).toEqual(['6 CONNECTION REQUEST'])
  })

  it.each<readonly [string, (door: Door) => WebResponse, number]>([
    ['another path', (door) => door.knock(undefined, { target: '/' }), 404],
    ['another method', (door) => door.knock(undefined, { method: 'POST' }), 405],
    ['a wrong password', (door) => door.knock(door.credentials('guess')), 401],
    ['a wrong name', (door) => door.knock(door.credentials('knock-secret', 'admin')), 401],
    ['Basic', (door) => door.knock(`Basic ${btoa('acs:knock-secret')}`), 401],
  ])('with %s opens nothing [TR-069 §8.1]', (_what, knock, status) => {
    const door = new Door()
    expect(knock(door).status).toBe(status)
    door.desk.pass(60)
    expect(door.desk.acs.informs).toHaveLength(1)
  })

  it('opens once with the same answer: what was overheard is stale [TR-069 §8.1]', () => {
    const door = new Door()
    const authorization = door.credentials()
    expect(door.knock(authorization).status).toBe(200)
    const again = door.knock(authorization)
    expect([again.status, again.headers[0]?.[1]]).toEqual([401, expect.stringContaining('stale=true')])
  })

  it('is refused with 503 beyond the rate, and taken again after a minute [TR-069 §8.1]', () => {
    const door = new Door()
    const statuses = Array.from({ length: REQUESTS_PER_MINUTE + 1 }, () => door.knock(door.credentials('guess')).status)
    expect(statuses.slice(-2)).toEqual([401, 503])
    expect(door.knock(door.credentials()).status).toBe(503)
    door.desk.pass(61)
    expect(door.knock(door.credentials()).status).toBe(200)
  })

  it('during a session is followed by another one [TR-069 §8.1]', () => {
    const door = new Door()
    door.knock(door.credentials())
    expect(door.desk.bench.agent.ram.cwmp.session).toBeDefined()
    expect(door.knock(door.credentials()).status).toBe(200)
    door.desk.pass(10)
    expect(door.desk.events().slice(1)).toEqual([['6 CONNECTION REQUEST'], ['6 CONNECTION REQUEST']])
  })

  it('is never told twice: a failed session drops it, and the wait for a retry is cut short [TR-069 §5.1, §6]', () => {
    const door = new Door({ lost: (count) => (count === 3 || count === 4 ? 'request' : undefined) })
    door.knock(door.credentials())
    door.desk.pass(1)
    door.knock(door.credentials())
    door.desk.pass(1)
    expect(door.desk.bench.agent.ram.cwmp.failureCount).toBe(2)
    door.desk.pass(60)
    expect(door.desk.acs.informs.at(-1)).toMatchObject({ retryCount: 2, events: [] })
  })

  it('is not taken while TR-069 is off, nor while the phone starts [TR-069 §10.1]', () => {
    const door = new Door()
    door.desk.bench.send({ kind: 'keypad', entry: { kind: 'set', element: 'CWMP_V1.2_Support', value: 'No' } })
    expect(door.knock().status).toBe(404)
    door.desk.bench.send({ kind: 'power-on' })
    expect(door.knock().status).toBe(503)
  })

  it('comes at a URL that is the same after a reboot and another one for each phone [TR-069 §8.1]', () => {
    const door = new Door()
    const before = door.path
    door.desk.bench.cut().pass(20)
    expect(door.path).toBe(before)
    expect(new Door({ chance: () => 0.25 }).path).not.toBe(before)
  })
})
