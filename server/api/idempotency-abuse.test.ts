/** `Idempotency-Key` in the hands of several tokens and of limited ones. */
import { describe, expect, it } from 'vitest'
import { plant } from '../testing.ts'
import { openTestApi } from './testing.ts'

const api = await openTestApi()
const { call, tokenFor } = api

async function accountOf(name: string): Promise<string> {
  return (await call('POST', '/api/v1/accounts', { body: { name } })).json.id
}

describe('an Idempotency-Key', () => {
  it('repeats the answer to a token that is limited to an account', async () => {
    const account = await accountOf('limited')
    const token = await tokenFor(['write'], { accountId: account })
    const options = { token, body: { name: 'child', parentId: account }, headers: { 'idempotency-key': 'one' } }
    const first = await call('POST', '/api/v1/accounts', options)
    expect(first.status).toBe(201)
    const again = await call('POST', '/api/v1/accounts', options)
    expect([again.status, again.text]).toEqual([201, first.text])
    expect(again.headers.get('idempotency-replayed')).toBe('true')
  })

  it('means nothing to another token: it gets no answer of the first, and does its own work', async () => {
    const [own, foreign] = [await accountOf('own'), await accountOf('foreign')]
    const ask = async (account: string) => {
      const token = await tokenFor(['admin'], { accountId: account })
      const body = { name: 'by key', scopes: ['read'] }
      const made = await call('POST', '/api/v1/tokens', { token, body, headers: { 'idempotency-key': 'same' } })
      plant(made.json.token)
      return made
    }
    const [first, second] = [await ask(own), await ask(foreign)]
    expect([first.status, second.status]).toEqual([201, 201])
    expect([first.json.accountId, second.json.accountId]).toEqual([own, foreign])
    expect(second.headers.get('idempotency-replayed')).toBeNull()
  })

  it('keeps no answer of what a token may not do, so that it is done once it may', async () => {
    const account = await accountOf('later')
    const token = await tokenFor(['write'], { accountId: account })
    const options = { token, body: { host: 'proxy.example.com' }, headers: { 'idempotency-key': 'not-yet' } }
    expect((await call('PUT', '/api/v1/sip-proxy', options)).status).toBe(403)
    expect((await call('PUT', '/api/v1/sip-proxy', options)).headers.get('idempotency-replayed')).toBeNull()
  })
})
