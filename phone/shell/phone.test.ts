import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, request as askHttp } from 'node:http'
import { request as askHttps } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSocket } from 'node:dgram'
import type { ServerResponse } from 'node:http'
import { beforeAll, describe, expect, it } from 'vitest'
import { decodeSip, header, buildResponse, encodeSip } from '../../protocol/sip/mod.ts'
import { status } from '../agent/mod.ts'
import { makeCa, type TestCa } from './testing-certificates.ts'
import {
  closeAfterEach,
  closeLater,
  hardware,
  HASTY,
  HOST,
  leaseOf,
  listen,
  profileText,
  runPhone,
  serveHttp,
} from './testing.ts'
import { createServer as createHttps } from 'node:https'

closeAfterEach()

function scratch(): string {
  const dir = mkdtempSync(join(tmpdir(), 'offhook-phone-'))
  closeLater(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** A provisioning server that gives every phone the same elements. */
function serveProfile(elements: () => Readonly<Record<string, string>>): Promise<number> {
  return serveHttp((_request, response) => response.end(profileText(elements())))
}

describe('a phone on real sockets', () => {
  it('finds its server by DHCP, applies the profile and tells what happens [MPP §9.3, §10.1]', async () => {
    const asked: string[] = []
    const port = await serveHttp((request, response) => {
      asked.push(`${request.method} ${request.url} ${request.headers['user-agent']}`)
      response.end(profileText({ Station_Display_Name: 'Reception' }))
    })
    const phone = await runPhone({ lease: leaseOf(`http://${HOST}:${port}`) })
    await phone.event('resync-finished')
    expect(asked[0]).toBe('GET /8851-3PCC.xml Cisco-CP-8851-3PCC/11.3.2 (000e08aabbcc)')
    expect(phone.agent().flash.parameters.get('Station_Display_Name')?.value).toBe('Reception')
    expect(status(phone.agent(), Date.now()).customization).toBe('Aborted')
  })

  it('keeps its memory over a power cut at any time, and writes it before it acts [MPP §5.8]', async () => {
    const stateDir = scratch()
    const file = join(stateDir, 'flash.json')
    const onDisk: boolean[] = []
    const port = await serveProfile(() => ({ Station_Display_Name: 'Kept' }))
    const phone = await runPhone({
      stateDir,
      lease: leaseOf(`http://${HOST}:${port}`),
      onEvent: (event) => {
        if (event.name === 'profile-applied') onDisk.push(readFileSync(file, 'utf8').includes('"Kept"'))
      },
    })
    await phone.until(({ flash }) => flash.parameters.has('Station_Display_Name'), 10_000)
    expect(onDisk).toEqual([true])
    await phone.powerOff()
    expect(phone.agent().ram.mode).toBe('off')
    const again = await runPhone({ stateDir })
    expect(again.agent().flash).toEqual(phone.agent().flash)
  })

  it('drops what is in flight at a reboot, and starts anew [MPP §5.7]', async () => {
    let cut: Promise<unknown> = Promise.resolve()
    let sawFirst = (): void => undefined
    const first = new Promise<void>((resolve) => {
      sawFirst = resolve
    })
    let count = 0
    const port = await serveHttp((request, response) => {
      count += 1
      if (count > 1) return response.end(profileText({ Station_Display_Name: 'Second' }))
      // The first request gets no answer: the reboot must end it.
      cut = once(request.socket, 'close')
      sawFirst()
    })
    const phone = await runPhone({ lease: leaseOf(`http://${HOST}:${port}`) })
    await first
    phone.send({ kind: 'keypad', entry: { kind: 'reboot' } })
    await phone.event('reboot')
    await phone.event('resync-finished')
    await cut
    expect(phone.agent().flash.parameters.get('Station_Display_Name')?.value).toBe('Second')
    expect(phone.events.filter(({ name }) => name === 'boot')).toHaveLength(2)
  })

  it('ignores what comes while there is no power, and comes back on the same port', async () => {
    const phone = await runPhone()
    const url = String((await phone.event('web-server')).data['url'])
    await phone.powerOff()
    expect(phone.webUrl()).toBeUndefined()
    await expect(get(url)).rejects.toThrow(/ECONNREFUSED/)
    phone.send({ kind: 'keypad', entry: { kind: 'reboot' } })
    expect(phone.agent().ram.mode).toBe('off')
    const back = phone.events.length
    phone.powerOn()
    await phone.until((agent) => agent.ram.mode !== 'off', 5000)
    expect((await phone.event('web-server', back)).data['url']).toBe(url)
  })

  it('tells whoever waits that the power is gone, or that the time is over', async () => {
    const phone = await runPhone()
    await expect(phone.until(() => false, 5)).rejects.toThrow('has not come there in 5 ms')
    const waiting = expect(phone.until(() => false, 60_000)).rejects.toThrow('no power')
    await phone.powerOff()
    await waiting
  })

  it('refuses a memory that no phone has written, names the file and says what to do', async () => {
    const stateDir = scratch()
    const phone = await runPhone({ stateDir })
    await phone.until((agent) => agent.ram.mode !== 'booting', 5000)
    await phone.powerOff()
    const { writeFileSync } = await import('node:fs')
    writeFileSync(join(stateDir, 'flash.json'), '{"version":1')
    await expect(runPhone({ stateDir })).rejects.toThrow(/flash\.json": .*Put back a good copy, or remove the file/)
  })

  it('ends alone when its disk fails, and says so', async () => {
    const stateDir = scratch()
    const port = await serveProfile(() => ({ Station_Display_Name: 'Lost' }))
    const phone = await runPhone({
      stateDir,
      lease: leaseOf(`http://${HOST}:${port}`),
      policies: { ...HASTY, bootMs: 200 },
    })
    rmSync(stateDir, { recursive: true })
    await expect(phone.until(() => false, 10_000)).rejects.toThrow('The phone has failed')
    expect(
      phone.events.at(-1)?.name === 'phone-failed' || phone.events.some(({ name }) => name === 'phone-failed'),
    ).toBe(true)
    expect(phone.agent().ram.mode).toBe('off')
  })
})

describe('its web server', () => {
  it('follows the profile: off, on, and as HTTPS with the certificate of the phone [MPP §7.2]', async () => {
    const ca = await makeCa('CN=Factory')
    const pair = await ca.issue('OU=CP-8851-3PCC, L=FCH2305DMH0, ST=000e08aabbcc')
    let elements: Readonly<Record<string, string>> = { Enable_Web_Server: 'No' }
    const port = await serveProfile(() => elements)
    const phone = await runPhone({ lease: leaseOf(`http://${HOST}:${port}`), tls: { ...pair, caPem: ca.certPem } })
    const url = String((await phone.event('web-server')).data['url'])
    await phone.event('resync-finished')
    await phone.until(() => phone.webUrl() === undefined, 5000)
    await expect(get(url)).rejects.toThrow(/ECONNREFUSED/)
    elements = { Enable_Web_Server: 'Yes', Enable_Protocol: 'Https' }
    // The change of a System parameter restarts the phone (MPP §5.7).
    await phone.event('reboot')
    await phone.until(({ ram }) => ram.mode === 'running', 10_000)
    const before = phone.events.length
    phone.send({ kind: 'keypad', entry: { kind: 'resync' } })
    const opened = await phone.event('web-server', before)
    expect(opened.data['url']).toBe(url.replace('http:', 'https:'))
    await phone.event('boot', before)
    await phone.until(({ ram }) => ram.mode === 'running', 10_000)
    const answer = await get(phone.webUrl() ?? '', ca.certPem)
    expect([answer.status, answer.peer]).toEqual([200, '000e08aabbcc'])
  })

  it('resyncs on command, with the address of the caller as the server [MPP §7.3, §4.5]', async () => {
    const port = await serveProfile(() => ({ Station_Display_Name: 'Commanded' }))
    const phone = await runPhone()
    await phone.until(({ ram }) => ram.mode === 'running' && ram.timers.retry !== undefined, 10_000)
    const from = phone.events.length
    const answer = await get(`${phone.webUrl()}admin/resync?http://${HOST}:${port}/x.xml`)
    expect(answer.status).toBe(200)
    await phone.event('resync-finished', from)
    expect(phone.agent().flash.parameters.get('Station_Display_Name')?.value).toBe('Commanded')
  })

  it('answers the reboot that it is told, before it goes down', async () => {
    const phone = await runPhone()
    await phone.until(({ ram }) => ram.mode === 'running' && ram.timers.retry !== undefined, 10_000)
    expect((await get(`${phone.webUrl()}admin/reboot`)).status).toBe(200)
    await phone.event('reboot')
    // While it starts nobody can connect; the first connection that is taken is answered.
    await phone.until(() => phone.webUrl() !== undefined, 5000)
    expect((await get(phone.webUrl() ?? '')).status).toBe(200)
  })

  it('refuses a body of more than 1 MiB, and whoever speaks no HTTP', async () => {
    const phone = await runPhone()
    await phone.event('web-server')
    const big = await get(`${phone.webUrl()}admin/config.xml`, undefined, 'x'.repeat(1024 * 1024 + 1))
    expect(big.status).toBe(413)
    const { connect } = await import('node:net')
    const socket = connect(Number(new URL(phone.webUrl() ?? '').port), HOST)
    socket.write('\u0016\u0003\u0001 hello\r\n\r\n')
    await once(socket, 'close')
    await phone.until(({ ram }) => ram.mode !== 'booting', 5000)
    expect((await get(phone.webUrl() ?? '')).status).toBe(200)
  })

  it('takes another free port when its own was taken while it had no power', async () => {
    const phone = await runPhone()
    const url = String((await phone.event('web-server')).data['url'])
    await phone.powerOff()
    const taker = createServer()
    await new Promise<void>((resolve) => taker.listen(Number(new URL(url).port), HOST, resolve))
    closeLater(() => taker.close())
    const back = phone.events.length
    phone.powerOn()
    await phone.until((agent) => agent.ram.mode !== 'off', 5000)
    expect((await phone.event('web-server', back)).data).toMatchObject({
      enabled: true,
      url: expect.not.stringMatching(url) as string,
    })
  })

  it('says why it cannot listen, and the phone goes on', async () => {
    const taken = await serveHttp((_request, response) => response.end())
    const phone = await runPhone({ webPort: taken })
    expect((await phone.event('web-server-failed')).text).toContain('another program uses it')
    expect(phone.webUrl()).toBeUndefined()
    await phone.until(({ ram }) => ram.mode === 'running' || ram.mode === 'discovering', 5000)
  })
})

describe('its lines', () => {
  it('register over UDP and leave when the phone is switched off [RFC 3261 §10.2]', async () => {
    const registrar = createSocket('udp4')
    closeLater(() => new Promise<void>((resolve) => registrar.close(() => resolve())))
    registrar.bind(0, HOST)
    await once(registrar, 'listening')
    const seen: string[] = []
    registrar.on('message', (bytes, remote) => {
      const message = decodeSip(new Uint8Array(bytes))
      if (!message.ok || message.value.kind !== 'request') return
      seen.push(`${message.value.method} ${header(message.value, 'Expires') ?? ''} from ${remote.port}`)
      const contact = header(message.value, 'Contact') ?? ''
      const expires = header(message.value, 'Expires') ?? '3600'
      const ok = buildResponse(message.value, {
        status: 200,
        reason: 'OK',
        toTag: 'r',
        headers: [
          ['Contact', contact],
          ['Expires', expires],
        ],
      })
      registrar.send(encodeSip(ok), remote.port, remote.address)
    })
    const port = await serveProfile(() => ({
      Line_Enable_1_: 'Yes',
      User_ID_1_: '1001',
      Proxy_1_: `${HOST}:${registrar.address().port}`,
    }))
    const phone = await runPhone({ lease: leaseOf(`http://${HOST}:${port}`) })
    await phone.until((agent) => status(agent, Date.now()).lines[0]?.state === 'registered', 20_000)
    const own = phone.agent().ram.sipPort
    await phone.switchOff()
    expect(seen.at(0)).toBe(`REGISTER 3600 from ${own}`)
    expect(seen.at(-1)).toBe(`REGISTER 0 from ${own}`)
  })
})

describe('its TLS', () => {
  let factory: TestCa
  let provider: TestCa
  beforeAll(async () => {
    factory = await makeCa('CN=Factory')
    provider = await makeCa('CN=Provider')
  })

  it('asks the redirect service with its factory certificate [MPP §9.2, §11.2]', async () => {
    const own = await provider.issue('CN=rc', [HOST])
    const pair = await factory.issue('OU=CP-8851-3PCC, L=FCH2305DMH0, ST=000e08aabbcc')
    const asked: string[] = []
    const answer = (response: ServerResponse): unknown => response.end()
    const options = {
      cert: own.certPem,
      key: own.keyPem,
      ca: factory.certPem,
      requestCert: true,
      rejectUnauthorized: true,
    }
    const port = await listen(
      createHttps(options, (request, response) => {
        const socket = request.socket as import('node:tls').TLSSocket
        asked.push(`${request.url} by ${String(socket.getPeerCertificate().subject.ST)}`)
        answer(response)
      }),
    )
    const phone = await runPhone({
      hardware: { ...hardware(), rcUrl: `https://${HOST}:${port}`, clientCertificate: true },
      tls: { ...pair, caPem: provider.certPem },
    })
    await phone.event('redirect-unowned')
    expect(asked).toEqual([
      '/software/edos/callhome/rc?id=000E08AABBCC:FCH2305DMH0:CP-8851-3PCC&sw=sip88xx.11-3-2MPP0001-609&orig=orig_mpp&authstatus=none by 000e08aabbcc',
    ])
    expect(phone.agent().flash.customization).toBe('Unavailable')
  })

  it('refuses a certificate, key or CA that cannot be used, before anything is opened', async () => {
    const one = await factory.issue('CN=a')
    const other = await factory.issue('CN=b')
    for (const tls of [{ certPem: one.certPem, keyPem: other.keyPem }, { certPem: 'x', keyPem: 'y' }, { caPem: 'x' }]) {
      await expect(runPhone({ tls })).rejects.toThrow("Cannot use the phone's certificate, key or CA")
    }
  })
})

interface Answer {
  readonly status: number
  readonly body: string
  readonly peer: string | undefined
}

function get(url: string, ca?: string, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST'
    const options = { method, agent: false as const }
    const sent =
      ca === undefined ? askHttp(url, options) : askHttps(url, { ...options, ca, checkServerIdentity: () => undefined })
    sent.on('error', reject)
    sent.on('response', (answer) => {
      const chunks: Uint8Array[] = []
      const socket = answer.socket as import('node:tls').TLSSocket
      const peer = ca === undefined ? undefined : socket.getPeerCertificate().subject.ST
      answer.on('data', (chunk: Uint8Array) => chunks.push(chunk))
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString(), peer: peer?.toString() }),
      )
    })
    sent.end(body)
  })
}
