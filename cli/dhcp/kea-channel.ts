/**
 * The control channel of Kea: one JSON command, one JSON answer, over the daemon's UNIX socket or over HTTP (a control
 * agent, or the daemon's own port). Source: Kea Administrator Reference Manual, Management API.
 */
import { request as askHttp } from 'node:http'
import { request as askHttps } from 'node:https'
import { connect } from 'node:net'
import { concatBytes } from '../../protocol/bytes.ts'
import { CliProblem, usageProblem } from '../exit-codes.ts'
import { quoted, reasonOf } from '../files.ts'

export type KeaService = 'dhcp4' | 'dhcp6'

export interface KeaAnswer {
  /** 0 done, 1 failed, 2 not supported, 3 nothing found. */
  readonly result: number
  readonly text: string
  /** undefined where the command has none. */
  readonly arguments: unknown
}

export interface KeaChannel {
  readonly service: KeaService
  /** Throws CliProblem when nobody answers there, or somebody who is no Kea; what Kea says of the command is the answer. */
  ask(command: string, args?: object): Promise<KeaAnswer>
}

export const KEA_RESULT = { done: 0, failed: 1, unsupported: 2, empty: 3 } as const

interface Limits {
  readonly answerBytesMax: number
  readonly answerMs: number
}

/** A configuration of a hundred thousand reservations has 30 MB, and takes Kea a while. */
const LIMITS: Limits = { answerBytesMax: 128 * 1024 * 1024, answerMs: 120_000 }
/** Characters of what Kea says that are repeated. */
const SAID_CHARS_MAX = 500

export interface KeaAccess {
  /** Of the control agent; the environment has them as KEA_USER and KEA_PASSWORD. */
  readonly user: string | undefined
  readonly password: string | undefined
}

/** @param where path of a UNIX socket, or a URL like http://127.0.0.1:8000/ */
export function openKea(
  where: string,
  service: KeaService,
  { user, password }: KeaAccess,
  limits: Limits = LIMITS,
): KeaChannel {
  const isUrl = /^[a-z][a-z0-9+.-]*:\/\//i.test(where)
  const url = isUrl ? urlOf(where) : undefined
  if (url === undefined && Buffer.byteLength(where) > SOCKET_PATH_BYTES_MAX) {
    throw usageProblem(`--control ${quoted(where)}: a socket's path has at most ${SOCKET_PATH_BYTES_MAX} bytes`)
  }
  const shown = url === undefined ? quoted(where) : url.href
  const auth = user === undefined ? undefined : `${user}:${password ?? ''}`
  return {
    service,
    async ask(command, args) {
      const asked = { command, ...(args === undefined ? {} : { arguments: args }) }
      const bytes =
        url === undefined
          ? await bySocket(where, JSON.stringify(asked), limits)
          : await byHttp(url, JSON.stringify({ ...asked, service: [service] }), auth, limits)
      return answerIn(bytes, shown)
    },
  }
}

/** Of the system: `sun_path` has 108 bytes with the final zero. */
const SOCKET_PATH_BYTES_MAX = 107

function urlOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw usageProblem(`--control ${quoted(text)} is neither a path nor a URL like http://127.0.0.1:8000/`)
  }
  if (url.username !== '' || url.password !== '') {
    throw usageProblem('--control: give user and password by KEA_USER and KEA_PASSWORD, not in the URL')
  }
  return url
}

function bySocket(path: string, text: string, limits: Limits): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const pieces: Uint8Array[] = []
    let byteCount = 0
    const socket = connect({ path })
    const fail = (problem: CliProblem): void => {
      clearTimeout(late)
      socket.destroy()
      reject(problem)
    }
    const late = setTimeout(() => fail(tooLate(quoted(path), limits)), limits.answerMs)
    socket.on('connect', () => socket.write(text))
    socket.on('data', (piece) => {
      byteCount += piece.length
      if (byteCount > limits.answerBytesMax) fail(tooMuch(quoted(path), limits))
      else pieces.push(piece)
    })
    socket.on('error', (error) => fail(unreachable(quoted(path), error)))
    // Kea closes the connection behind its answer; after an error this is too late to matter.
    socket.on('close', () => {
      clearTimeout(late)
      resolve(concatBytes(pieces))
    })
  })
}

function byHttp(url: URL, text: string, auth: string | undefined, limits: Limits): Promise<Uint8Array> {
  const ask = url.protocol === 'https:' ? askHttps : askHttp
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
    const request = ask(url, { method: 'POST', headers, ...(auth === undefined ? {} : { auth }), agent: false })
    const fail = (problem: CliProblem): void => {
      clearTimeout(late)
      request.destroy()
      reject(problem)
    }
    const late = setTimeout(() => fail(tooLate(url.href, limits)), limits.answerMs)
    request.on('error', (error) => fail(unreachable(url.href, error)))
    request.on('response', (response) => {
      const status = response.statusCode ?? 0
      if (status !== 200) return fail(refusedByHttp(url, status))
      const pieces: Uint8Array[] = []
      let byteCount = 0
      response.on('data', (piece: Buffer) => {
        byteCount += piece.length
        if (byteCount > limits.answerBytesMax) fail(tooMuch(url.href, limits))
        else pieces.push(piece)
      })
      response.on('error', (error) => fail(unreachable(url.href, error)))
      response.on('end', () => {
        clearTimeout(late)
        resolve(concatBytes(pieces))
      })
    })
    request.end(text)
  })
}

function refusedByHttp({ href }: URL, status: number): CliProblem {
  if (status !== 401) return new CliProblem(`${href} answered ${status}; expected a control agent of Kea there`)
  return new CliProblem(`${href} wants a user and a password: give them by KEA_USER and KEA_PASSWORD`)
}

function tooLate(shown: string, { answerMs }: Limits): CliProblem {
  return new CliProblem(`${shown} took the command and did not answer within ${answerMs / 1000} s; is it Kea?`)
}

function tooMuch(shown: string, { answerBytesMax }: Limits): CliProblem {
  return new CliProblem(`${shown} answered with more than ${answerBytesMax} bytes; is it Kea?`)
}

const ADVICE: Readonly<Record<string, string>> = {
  ENOENT:
    'there is no such socket; see "control-socket" in the configuration of Kea, which has to be running, for its path',
  EACCES: 'permission denied; run this as root or as the user of Kea',
  EPERM: 'permission denied; run this as root or as the user of Kea',
  ENOTSOCK: 'it is no socket; see "control-socket" in the configuration of Kea for its path',
}

function unreachable(shown: string, error: unknown): CliProblem {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const reason = ADVICE[code] ?? (code === 'ECONNREFUSED' ? 'nobody listens there; start Kea' : reasonOf(error))
  return new CliProblem(`Cannot ask Kea at ${shown}: ${reason}`)
}

function answerIn(bytes: Uint8Array, shown: string): KeaAnswer {
  let read: unknown
  try {
    read = JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    // What is no JSON at all has no result either.
    read = undefined
  }
  // An agent answers with one item for each service that was asked.
  const answer: unknown = Array.isArray(read) ? read[0] : read
  if (typeof answer !== 'object' || answer === null || !('result' in answer) || typeof answer.result !== 'number') {
    throw new CliProblem(`What answers at ${shown} is no Kea: expected JSON with a "result"`)
  }
  const text = 'text' in answer && typeof answer.text === 'string' ? answer.text.slice(0, SAID_CHARS_MAX) : ''
  return { result: answer.result, text, arguments: 'arguments' in answer ? answer.arguments : undefined }
}

/** The answer of a command that must succeed. Throws CliProblem with Kea's own words. @param what e.g. `change its configuration` */
export function done(answer: KeaAnswer, what: string): unknown {
  if (answer.result === KEA_RESULT.done) return answer.arguments
  throw new CliProblem(`Kea did not ${what}: ${answer.text === '' ? `result ${answer.result}` : answer.text}`)
}
