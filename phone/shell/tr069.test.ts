import { once } from 'node:events'
import { createServer, type IncomingMessage, request as askHttp, type ServerResponse } from 'node:http'
import { createServer as createHttps } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { digestAuthorization, parseAuthChallenges } from '../../protocol/http/mod.ts'
import { decodeFlash, encodeFlash, factoryFlash, type Flash } from '../agent/mod.ts'
import { Acs, type AcsOptions, getValues, setValues } from '../agent/cwmp/testdata/acs.ts'
import { closeAfterEach, closeLater, hardware, HOST, listen, runPhone } from './testing.ts'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeCa } from './testing-certificates.ts'

closeAfterEach()

interface RealAcs {
  readonly acs: Acs
  readonly url: string
  /** TCP connections that phones have opened. */
  readonly connectionCount: () => number
}

async function serveAcs(options: AcsOptions = {}, headers: Record<string, string> = {}): Promise<RealAcs> {
  const acs = new Acs(options)
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    void answer(acs, request, response)
  })
  let connections = 0
  server.on('connection', () => (connections += 1))
  const port = await listen(server)
  return { acs, url: `http://${HOST}:${port}/cwmp`, connectionCount: () => connections }
}

async function answer(acs: Acs, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const headers = new Map(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
  const reply = acs.reply({ path: request.url ?? '', headers, body: new Uint8Array(Buffer.concat(chunks)) })
  response.writeHead(reply.status, reply.headers)
  response.end(reply.body)
}

/** A folder that holds the memory of a phone whose settings are these. */
function memoryWith(values: Readonly<Record<string, string>>): string {
  const dir = mkdtempSync(join(tmpdir(), 'offhook-tr069-'))
  closeLater(() => rmSync(dir, { recursive: true, force: true }))
  const parameters = new Map(
    Object.entries({ 'Enable_TR-069': 'Yes', Periodic_Inform_Enable: 'No', Provision_Enable: 'No', ...values }).map(
      ([element, value]) => [element, { value, ua: 'na', userPref: false, userModified: false }] as const,
    ),
  )
  writeFileSync(join(dir, 'flash.json'), encodeFlash({ ...factoryFlash(hardware()), parameters }))
  return dir
}

const ENDED = 'session ended'

describe('TR-069 on real sockets', () => {
  it('informs at power-on, answers what the ACS asks and ends with an empty message [TR-069 §1]', async () => {
    const { acs, url, connectionCount } = await serveAcs({ account: { username: 'admin', password: 'acs-secret' } })
    acs.ask(getValues('Device.DeviceInfo.SoftwareVersion'), setValues({ 'Device.X_CISCO_ProfileRule': '/desk-7' }))
    const phone = await runPhone({ stateDir: memoryWith({ ACS_URL: url, ACS_Password: 'acs-secret' }) })
    await phone.until(({ ram }) => ram.cwmp.lastSession?.ok === true, 20_000)
    const sessions = phone.events.filter(({ name }) => name === 'tr069-session')
    expect(sessions.at(-1)?.text).toBe(ENDED)
    expect(acs.heard).toEqual(['Inform', 'empty', 'GetParameterValuesResponse', 'SetParameterValuesResponse'])
    expect(acs.informs[0]?.events.map(({ code }) => code)).toEqual(['0 BOOTSTRAP', '1 BOOT'])
    const told = acs.informs[0]?.parameters.find(({ name }) => name.endsWith('ConnectionRequestURL'))
    expect(told?.value).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{32}$/)
    expect(phone.agent().flash.parameters.get('Profile_Rule')?.value).toBe('/desk-7')
    expect(connectionCount()).toBe(1)
    expect(JSON.stringify(phone.events)).not.toContain('acs-secret')
  })

  it('is woken by a connection request with digest, and only by that [TR-069 §8.1]', async () => {
    const { acs, url } = await serveAcs()
    const account = { Connection_Request_Username: 'acs', Connection_Request_Password: 'knock-secret' }
    const phone = await runPhone({ stateDir: memoryWith({ ACS_URL: url, ...account }) })
    await phone.until(({ ram }) => ram.cwmp.lastSession?.ok === true, 20_000)
    const knock = acs.informs[0]?.parameters.find(({ name }) => name.endsWith('ConnectionRequestURL'))?.value ?? ''
    expect((await get(`${knock}x`)).statusCode).toBe(404)
    const first = await get(knock)
    expect(first.statusCode).toBe(401)
    const [offer] = parseAuthChallenges(first.headers['www-authenticate'] ?? '')
    const uri = new URL(knock).pathname
    const credentials = { username: 'acs', password: 'knock-secret', method: 'GET', uri, cnonce: 'c', nonceCount: 1 }
    const authorization = offer?.scheme === 'digest' ? digestAuthorization(offer.challenge, credentials) : ''
    expect((await get(knock, authorization)).statusCode).toBe(200)
    await phone.until(() => acs.informs.length === 2, 20_000)
    expect(acs.informs[1]?.events.map(({ code }) => code)).toEqual(['6 CONNECTION REQUEST'])
    // What was overheard opens nothing.
    expect((await get(knock, authorization)).statusCode).toBe(401)
  })

  it('shows its factory certificate to an ACS on https, on one connection for the session [TR-069 §2.2, §2.4]', async () => {
    const [factory, provider] = [await makeCa('CN=Factory'), await makeCa('CN=Provider')]
    const own = await provider.issue('CN=acs', [HOST])
    const pair = await factory.issue('OU=CP-8851-3PCC, L=FCH2305DMH0, ST=000e08aabbcc')
    const acs = new Acs()
    const subjects: string[] = []
    const wants = { ca: factory.certPem, requestCert: true, rejectUnauthorized: true }
    const server = createHttps({ cert: own.certPem, key: own.keyPem, ...wants }, (request, response) => {
      subjects.push(String((request.socket as TLSSocket).getPeerCertificate().subject.ST))
      void answer(acs, request, response)
    })
    let connections = 0
    server.on('secureConnection', () => (connections += 1))
    const url = `https://${HOST}:${await listen(server)}/cwmp`
    const tls = { ...pair, caPem: provider.certPem }
    const phone = await runPhone({ tls, stateDir: memoryWith({ ACS_URL: url }) })
    await phone.until(({ ram }) => ram.cwmp.lastSession?.ok === true, 20_000)
    expect([subjects, connections]).toEqual([['000e08aabbcc', '000e08aabbcc'], 1])
  })

  it('goes on with a new connection and its cookie when the ACS closes each one [TR-069 §2.2]', async () => {
    const { acs, url, connectionCount } = await serveAcs({}, { connection: 'close' })
    acs.ask(getValues('Device.DeviceSummary'))
    const phone = await runPhone({ stateDir: memoryWith({ ACS_URL: url }) })
    await phone.until(({ ram }) => ram.cwmp.lastSession?.ok === true, 20_000)
    expect(connectionCount()).toBe(3)
    expect(acs.posts.map(({ headers }) => headers.get('cookie'))).toEqual([undefined, 'session=7e57', 'session=7e57'])
  })

  it('keeps what it owes over a restart of the program [TR-069 §5.1, §7]', async () => {
    const { acs, url } = await serveAcs()
    const stateDir = memoryWith({ ACS_URL: url })
    acs.ask({ kind: 'Reboot', commandKey: 'job7' })
    const phone = await runPhone({ stateDir })
    await phone.until(({ flash }) => flash.tr069.rebootKeys.length === 1, 20_000)
    await phone.powerOff()
    acs.asks.length = 0
    const again = await runPhone({ stateDir })
    await again.until(({ ram }) => ram.cwmp.lastSession?.ok === true, 20_000)
    // Any free port: the URL for connection requests is a new one, which is news as well.
    const codes = acs.informs.at(-1)?.events.map(({ code, commandKey }) => `${code} ${commandKey}`.trim())
    expect(codes).toEqual(['1 BOOT', '4 VALUE CHANGE', 'M Reboot job7'])
  })

  it('listens for connection requests only while TR-069 is on, and keeps its memory [TR-069 §8.1]', async () => {
    const stateDir = memoryWith({ 'Enable_TR-069': 'No', ACS_URL: 'http://127.0.0.1:1/' })
    const phone = await runPhone({ stateDir })
    await phone.until(({ ram }) => ram.mode === 'running', 10_000)
    expect(phone.connectionRequestUrl()).toBeUndefined()
    expect(phone.events.some(({ name }) => name.startsWith('tr069'))).toBe(false)
    phone.send({ kind: 'keypad', entry: { kind: 'set', element: 'Enable_TR-069', value: 'Yes' } })
    await phone.until(({ ram }) => ram.cwmp.failureCount === 1, 20_000)
    expect(phone.connectionRequestUrl()).toBeDefined()
    const { flash } = phone.agent()
    expect(flash.tr069.connectionPath).toMatch(/^[0-9a-f]{32}$/)
    expect(readBack(flash)).toEqual(flash)
  })
})

function readBack(flash: Flash): Flash | undefined {
  const decoded = decodeFlash(encodeFlash(flash))
  return decoded.ok ? decoded.value : undefined
}

async function get(url: string, authorization = ''): Promise<IncomingMessage> {
  const sent = askHttp(url, { headers: authorization === '' ? {} : { authorization } })
  sent.end()
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  answer.resume()
  return answer
}
