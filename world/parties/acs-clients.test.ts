/**
 * The real `curl` plays TR-069 devices. Many agents (easycwmp, icwmp, freecwmp) are libcurl in their HTTP: a cookie jar,
 * "any" authentication, an empty POST to fetch the challenge, `Expect`. What the device says is written down.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { CWMP_NAMESPACE, type CwmpBody, type CwmpMessage, readCwmp, writeCwmp } from '../../protocol/cwmp/mod.ts'
import type { MacAddress } from '../../protocol/identity.ts'
import { assert } from '../../protocol/result.ts'
import { askTasks, findTask, listParameters } from '../../server/store/mod.ts'
import type { AcsDevice } from '../../server/testing-acs.ts'
import { type BoundDevice, openAcsBench } from '../../server/testing-acs-bench.ts'
import { WHO } from '../../server/testing-provider.ts'
import type { TaskRequest } from '../../server/tr069/mod.ts'

/** Longest curl may take; it gives up then. */
const CURL_SECONDS_MAX = 30

const bench = await openAcsBench()
const { ports, platform } = bench.server
const PLAIN = `http://127.0.0.1:${ports.acs}/`
const SECURE = `https://localhost:${ports.acsTls}/`
const folder = await mkdtemp(join(tmpdir(), 'offhook-acs-curl-'))
afterAll(() => rm(folder, { recursive: true, force: true }))
const CA_FILE = join(folder, 'ca.pem')
await writeFile(CA_FILE, bench.ca)
let files = 0

/** How a kind of client speaks: options of curl. */
interface Manner {
  readonly url: string
  readonly args: readonly string[]
}

interface Answer {
  readonly status: number
  readonly message: CwmpMessage | undefined
}

async function curl(args: readonly string[]): Promise<string> {
  const child = spawn('curl', ['-sS', '--max-time', String(CURL_SECONDS_MAX), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [output, errors]: [Buffer[], Buffer[]] = [[], []]
  child.stdout.on('data', (piece: Buffer) => output.push(piece))
  child.stderr.on('data', (piece: Buffer) => errors.push(piece))
  const code = await new Promise<number | null>((known, failed) => {
    child.on('error', failed)
    child.on('close', known)
  })
  assert(code === 0, `curl ended with ${code}: ${Buffer.concat(errors).toString()}`)
  return Buffer.concat(output).toString()
}

/** A device whose every message is a run of curl, and so a connection of its own. */
class CurlDevice {
  readonly tree: AcsDevice
  readonly #manner: Manner
  #jar = join(folder, `${++files}.jar`)

  constructor(tree: AcsDevice, manner: Manner) {
    this.tree = tree
    this.#manner = manner
  }

  async post(body: string | Buffer, more: readonly string[] = []): Promise<Answer> {
    const [sent, came] = [join(folder, `${++files}.sent`), join(folder, `${files}.came`)]
    await Promise.all([writeFile(sent, body), writeFile(came, '')])
    const { args, url } = this.#manner
    const jar = ['-b', this.#jar, '-c', this.#jar]
    const content = ['--data-binary', `@${sent}`, '-H', 'Content-Type: text/xml; charset="utf-8"', '-H', 'SOAPAction:']
    const status = Number(await curl([...args, ...jar, ...content, ...more, '-o', came, '-w', '%{http_code}', url]))
    const bytes = await readFile(came)
    const read = status === 200 && bytes.length > 0 ? readCwmp(bytes, undefined) : undefined
    return { status, message: read?.ok === true ? read.value : undefined }
  }

  say(body: CwmpBody, id: string | undefined, more: readonly string[] = []): Promise<Answer> {
    return this.post(writeCwmp({ id, namespace: CWMP_NAMESPACE, headers: {}, body }), more)
  }

  /** A whole session. @returns what was asked */
  async session(events: readonly string[]): Promise<readonly string[]> {
    const asked: string[] = []
    const first = await this.say(this.tree.informOf(events), '1')
    expect(first.message?.body.kind).toBe('InformResponse')
    let answer = await this.post('')
    while (answer.message !== undefined) {
      const { body, id } = answer.message
      assert(body.kind !== 'Fault' && body.kind !== 'Unknown', 'the ACS asks with known methods')
      asked.push(body.kind)
      answer = await this.say(this.tree.answerTo(body), id)
    }
    expect(answer.status).toBe(204)
    await rm(this.#jar, { force: true })
    return asked
  }
}

function userOf({ credentials }: BoundDevice): string {
  return `${credentials.username}:${credentials.password}`
}

async function certificateOf({ mac, pair }: BoundDevice): Promise<readonly string[]> {
  const file = join(folder, `${mac}.pem`)
  await writeFile(file, `${pair.certPem}\n${pair.keyPem}`, { mode: 0o600 })
  return ['--cacert', CA_FILE, '--cert', file]
}

async function ask(mac: MacAddress, request: TaskRequest): Promise<string> {
  const asked = { macs: [mac], request, who: WHO, now: Date.now(), deadlineSeconds: 3600 }
  const [task] = await platform.db.transaction((tx) => askTasks(tx, platform.vault, asked))
  assert(task !== undefined, 'the device is known')
  return task.id
}

describe('a device that is curl', () => {
  it.each<[string, (device: BoundDevice) => Promise<Manner>]>([
    [
      'any authentication and a cookie jar, as agents on libcurl have',
      (device) => Promise.resolve({ url: PLAIN, args: ['--anyauth', '-u', userOf(device), '-H', 'Accept:'] }),
    ],
    [
      'Digest, after an empty POST for the challenge',
      (device) => Promise.resolve({ url: PLAIN, args: ['--digest', '-u', userOf(device)] }),
    ],
    [
      'Basic over TLS, as genieacs-sim sends it unasked',
      (device) => Promise.resolve({ url: SECURE, args: ['--cacert', CA_FILE, '--basic', '-u', userOf(device)] }),
    ],
    ['its certificate', async (device) => ({ url: SECURE, args: await certificateOf(device) })],
    [
      'Digest and HTTP/1.0',
      (device) => Promise.resolve({ url: PLAIN, args: ['-0', '--digest', '-u', userOf(device)] }),
    ],
  ])('with %s is learned, and does what it is asked, each message on its own connection', async (_name, mannerOf) => {
    const bound = await bench.bound()
    const device = new CurlDevice(bench.certified(bound), await mannerOf(bound))
    expect(await device.session(['0 BOOTSTRAP', '1 BOOT'])).toContain('GetParameterNames')
    const learned = await listParameters(platform.db, bound.mac, {
      below: '',
      q: undefined,
      after: undefined,
      limit: 100,
    })
    expect(learned.map(({ path }) => path)).toContain('Device.DeviceInfo.SoftwareVersion')
    const path = 'Device.DeviceInfo.HardwareVersion'
    const ids = [
      await ask(bound.mac, { kind: 'set-values', values: [{ path, value: '2.0' }] }),
      await ask(bound.mac, { kind: 'get-values', paths: [path] }),
    ]
    expect(await device.session(['2 PERIODIC'])).toEqual(['SetParameterValues', 'GetParameterValues'])
    expect(device.tree.values.get(path)).toBe('2.0')
    const [set, got] = await Promise.all(ids.map((id) => findTask(platform.db, id)))
    expect([set?.state, got?.state]).toEqual(['done', 'done'])
    expect(got?.result).toMatchObject({ values: { [path]: '2.0' } })
  })

  it('without cookies is known by its connection', async () => {
    const bound = await bench.bound()
    const device = bench.certified(bound)
    const inform = join(folder, `${++files}.inform`)
    await writeFile(
      inform,
      writeCwmp({ id: '1', namespace: CWMP_NAMESPACE, headers: {}, body: device.informOf(['1 BOOT']) }),
    )
    // With --digest it would send an empty POST for a challenge again, which a session takes for what it is.
    const how = ['--anyauth', '-u', userOf(bound), PLAIN]
    const output = await curl([
      '-i',
      '--data-binary',
      `@${inform}`,
      ...how,
      '--next',
      '-i',
      '-sS',
      '--data-binary',
      '',
      ...how,
    ])
    expect(output).toContain('InformResponse')
    expect(output).toContain('GetParameterNames')
  })

  it.each([
    ['asks before it sends', ['-H', 'Expect: 100-continue'], false],
    ['sends chunks', ['-H', 'Transfer-Encoding: chunked'], false],
    ['packs what it sends', ['-H', 'Content-Encoding: gzip', '--compressed'], true],
  ])('may be one that %s', async (_name, more, packs) => {
    const bound = await bench.bound()
    const device = new CurlDevice(bench.certified(bound), { url: PLAIN, args: ['--digest', '-u', userOf(bound)] })
    const text = writeCwmp({ id: '1', namespace: CWMP_NAMESPACE, headers: {}, body: device.tree.informOf(['1 BOOT']) })
    const answer = await device.post(packs ? gzipSync(text) : text, more)
    expect(answer.message?.body.kind).toBe('InformResponse')
  })

  it('with a wrong password is asked again and then gives up', async () => {
    const bound = await bench.bound()
    const args = ['--anyauth', '-u', `${bound.mac}:wrong`]
    const device = new CurlDevice(bench.certified(bound), { url: PLAIN, args })
    expect((await device.say(device.tree.informOf(['1 BOOT']), '1')).status).toBe(401)
  })
})
