import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { plant } from '../../server/testing.ts'
import { makeProvider, serve } from '../durability/testing.ts'
import { Place } from './testing.ts'

vi.setConfig({ testTimeout: 180_000 })

const places: Place[] = []
afterEach(async () => {
  for (const place of places.splice(0)) await place.clear()
})

async function newPlace(): Promise<Place> {
  const place = await Place.make()
  places.push(place)
  return place
}

describe('commands of the API', () => {
  it('end with 3 and words when no server answers, and leave no data behind', async () => {
    const place = await newPlace()
    for (const args of [
      ['events'],
      ['user', 'list', '--json'],
      ['resync', '000e08a1b2c3'],
      ['rc', 'export'],
      ['events', '--api', `http://127.0.0.1:${place.ports.http}`, '--token', 'oh_none'],
    ]) {
      const { code, output, errors } = await place.offhook(args).ended
      expect({ args, code, output }).toEqual({ args, code: 3, output: '' })
      expect(errors).toMatch(
        /^offhook: No server answers at http:\/\/127\.0\.0\.1:\d+ \(.*ECONNREFUSED.*\)\. Start one/,
      )
    }
    expect(existsSync(place.dataDir)).toBe(false)
  })

  it('need a token for a server named by --api, and reach it with one from anywhere', async () => {
    const [place, elsewhere] = [await newPlace(), await newPlace()]
    const provider = await makeProvider(place, 1, 1)
    const server = await serve(place)
    const api = `http://127.0.0.1:${place.ports.api}`
    const without = await elsewhere.offhook(['export', 'accounts', '--api', api]).ended
    expect({ code: without.code, errors: without.errors }).toEqual({
      code: 2,
      errors: 'offhook: A server named by --api needs a token: --token or OFFHOOK_TOKEN\n',
    })
    const env = { OFFHOOK_API: api, OFFHOOK_TOKEN: plant(provider.token) }
    const reached = await elsewhere.offhook(['export', 'accounts'], env).ended
    expect({ code: reached.code, errors: reached.errors }).toEqual({ code: 0, errors: '' })
    expect(reached.output).toContain('shop-0')
    const wrong = await elsewhere.offhook(['export', 'accounts', '--json'], { ...env, OFFHOOK_TOKEN: 'oh_wrong' }).ended
    expect(wrong.code).toBe(1)
    expect(wrong.errors).toMatch(/^offhook: The server does not take the token/)
    expect(JSON.parse(wrong.output)).toMatchObject({ status: 401 })

    const port = { OFFHOOK_API_PORT: String(place.ports.api) }
    const lost = await elsewhere.offhook(['events'], port).ended
    expect(lost.code).toBe(1)
    expect(lost.errors).toContain(`"${elsewhere.dataDir}" is not its data`)
    expect(existsSync(elsewhere.dataDir)).toBe(false)

    const other = await serve(elsewhere)
    const foreign = await elsewhere.offhook(['events'], port).ended
    expect(foreign.code).toBe(1)
    expect(foreign.errors).toContain('it runs on other data')
    for (const run of [server, other]) expect((await run.stop('SIGTERM', 'process')).code).toBe(0)
  })
})

describe('commands on a data directory', () => {
  it('refuse one that nobody has used, whose name may be mistyped, and leave it so', async () => {
    const place = await newPlace()
    const phone = ['--mac', '000e08000007', '--serial', 'FCH2347E0AD', '--model', 'CP-8851-3PCC']
    for (const args of [
      ['token', 'create'],
      ['lab', 'cert', ...phone, '--out', join(place.folder, 'box')],
      ['backup', join(place.folder, 'backup')],
      ['key', 'rotate'],
      ['phone', ...phone, '--data', place.dataDir, '--state', join(place.folder, 'state')],
    ]) {
      const { code, output, errors } = await place.offhook(args).ended
      expect({ args, code, output }).toEqual({ args, code: 1, output: '' })
      expect(errors).toMatch(new RegExp(`^offhook: There is no Offhook data in "${place.dataDir}"\\. `))
    }
    expect(await readdir(place.folder)).toEqual([])
  })

  it('make one by token create --init', async () => {
    const place = await newPlace()
    const { code, output } = await place.offhook(['token', 'create', '--init', '--json']).ended
    const made = JSON.parse(output) as { token: string; scopes: readonly string[] }
    expect({ code, isToken: /^oh_[\w-]{43}$/.test(plant(made.token)), scopes: made.scopes }).toEqual({
      code: 0,
      isToken: true,
      scopes: ['read'],
    })
    const box = join(place.folder, 'box')
    const args = ['--mac', '000e08000007', '--serial', 'FCH2347E0AD', '--model', 'CP-8851-3PCC', '--out', box, '--json']
    const cert = await place.offhook(['lab', 'cert', ...args]).ended
    expect(JSON.parse(cert.output)).toMatchObject({ mac: '000e08000007', cert: join(box, 'cert.pem') })
  })
})
