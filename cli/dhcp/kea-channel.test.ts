import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttp, type Server as HttpServer, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { done, openKea } from './kea-channel.ts'

const folder = mkdtempSync(join(tmpdir(), 'offhook-kea-channel-'))
const servers: (Server | HttpServer)[] = []
afterAll(() => {
  for (const server of servers) server.close()
  rmSync(folder, { recursive: true, force: true })
})

const NOBODY = { user: undefined, password: undefined }
const LIMITS = { answerBytesMax: 1000, answerMs: 300 }
let count = 0

/** A peer of ours that answers as it is told. */
async function socketThat(answers: (socket: Socket, asked: string) => void): Promise<string> {
  const path = join(folder, `s${count++}`)
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (piece) => answers(socket, piece.toString()))
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return path
}

async function urlThat(answers: (response: ServerResponse, asked: string, auth: string) => void): Promise<string> {
  const server = createHttp((request, response) => {
    let asked = ''
    request.on('data', (piece: Buffer) => (asked += piece.toString()))
    request.on('end', () => answers(response, asked, request.headers.authorization ?? ''))
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

describe('Kea by a socket', () => {
  it('gets one command as JSON and tells its answer, however it is cut', async () => {
    const path = await socketThat((socket, asked) => {
      expect(JSON.parse(asked)).toEqual({ command: 'config-test', arguments: { Dhcp4: {} } })
      for (const byte of '{"result":1,"text":"no"}') socket.write(byte)
      socket.end()
    })
    const answer = await openKea(path, 'dhcp4', NOBODY, LIMITS).ask('config-test', { Dhcp4: {} })
    expect(answer).toEqual({ result: 1, text: 'no', arguments: undefined })
    expect(() => done(answer, 'take it')).toThrow('Kea did not take it: no')
  })

  it.each<[string, (socket: Socket) => void, RegExp]>([
    ['text', (socket) => socket.end('220 mail.example.com'), /is no Kea/],
    ['nothing', (socket) => socket.end(), /is no Kea/],
    ['JSON of another kind', (socket) => socket.end('{"result":"ok"}'), /is no Kea/],
    ['a list of nothing', (socket) => socket.end('[]'), /is no Kea/],
    ['a cut answer', (socket) => socket.end('{"result":0,"argum'), /is no Kea/],
    ['too much', (socket) => socket.write('x'.repeat(2000)), /more than 1000 bytes/],
    ['silence', () => undefined, /did not answer within 0\.3 s/],
  ])('says what is wrong when it answers with %s', async (_what, answers, said) => {
    const kea = openKea(await socketThat(answers), 'dhcp4', NOBODY, LIMITS)
    await expect(kea.ask('version-get')).rejects.toThrow(said)
  })

  it('says what is wrong when there is nobody', async () => {
    const plain = join(folder, 'plain')
    writeFileSync(plain, '')
    await expect(openKea(join(folder, 'none'), 'dhcp4', NOBODY).ask('x')).rejects.toThrow(/there is no such socket/)
    await expect(openKea(plain, 'dhcp4', NOBODY).ask('x')).rejects.toThrow(/nobody listens there/)
    expect(() => openKea(join(folder, 'x'.repeat(200)), 'dhcp4', NOBODY)).toThrow(/at most 107 bytes/)
  })
})

describe('Kea by HTTP', () => {
  it('names the service and its user, and takes the first answer of the list', async () => {
    const url = await urlThat((response, asked, auth) => {
      response.end(
        JSON.stringify([{ result: 0, text: '2.2.0', arguments: { asked: JSON.parse(asked) as unknown, auth } }]),
      )
    })
    const kea = openKea(url, 'dhcp6', { user: 'ann', password: 'not a secret' })
    expect(await kea.ask('version-get')).toEqual({
      result: 0,
      text: '2.2.0',
      arguments: {
        asked: { command: 'version-get', service: ['dhcp6'] },
        auth: `Basic ${Buffer.from('ann:not a secret').toString('base64')}`,
      },
    })
  })

  it.each<[string, (response: ServerResponse) => void, RegExp]>([
    ['401', (response) => response.writeHead(401).end(), /KEA_USER and KEA_PASSWORD/],
    ['404', (response) => response.writeHead(404).end(), /answered 404/],
    ['a page', (response) => response.end('<html>'), /is no Kea/],
    ['too much', (response) => response.end('x'.repeat(2000)), /more than 1000 bytes/],
    ['silence', () => undefined, /did not answer within/],
    ['half of it', (response) => void (response.write('{'), response.destroy()), /Cannot ask Kea/],
  ])('says what is wrong when it answers with %s', async (_what, answers, said) => {
    const kea = openKea(await urlThat(answers), 'dhcp4', NOBODY, LIMITS)
    await expect(kea.ask('version-get')).rejects.toThrow(said)
  })

  it.each([
    ['ftp://127.0.0.1/', /neither a path nor a URL/],
    ['http://ann:pass@127.0.0.1/', /KEA_USER and KEA_PASSWORD, not in the URL/],
    ['http://127.0.0.1:99999/', /neither a path nor a URL/],
  ])('does not take %s', (where, said) => {
    expect(() => openKea(where, 'dhcp4', NOBODY)).toThrow(said)
  })
})
