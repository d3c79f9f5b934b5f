/**
 * A real Kamailio as the provider's registrar: a child process on free loopback ports, with its configuration in a
 * folder of its own and everything in memory. It goes when its owner goes, also when that is killed.
 * Source: RFC 3261 §10.3, §22.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

/** One contact of one user. */
export interface SipBinding {
  readonly userId: string
  /** The URI that the phone named. */
  readonly contact: string
  readonly callId: string
  /** Grows with each REGISTER of the same Call-ID. */
  readonly cseq: number
  readonly userAgent: string
}

export interface Kamailio {
  readonly host: string
  /** The same for UDP and TCP. */
  readonly port: number
  /** Of the child that leads all of its processes. */
  readonly pid: number
  /** Makes a user known, or changes the password. */
  allow(userId: string, password: string): Promise<void>
  /** Who is registered now. */
  bindings(): Promise<readonly SipBinding[]>
  /** Makes known who may send NOTIFY to registered phones, or changes the password; each is asked for it by 407. */
  allowSender(user: string, password: string): Promise<void>
  /** From now on, or no longer, anybody may send NOTIFY to registered phones. */
  trustSenders(trusted: boolean): Promise<void>
  /** Of its JSON-RPC over HTTP. */
  readonly rpcUrl: string
  /** Resolves when every process of it has ended. */
  stop(): Promise<void>
}

const HOST = '127.0.0.1'
const CONFIGURATION = 'kamailio.cfg'
/** Debian puts it where the PATH of a plain user does not lead. */
const PATH = [process.env['PATH'] ?? '', '/usr/local/sbin', '/usr/sbin', '/sbin'].join(delimiter)
/** A machine that runs other tests too is slow at times. */
const START_MS_MAX = 20_000
const STOP_MS_MAX = 10_000
const ASK_MS_MAX = 10_000
const POLL_MS = 20
/** Tries, each on another port: somebody may take one between our look and Kamailio's. */
const STARTS_MAX = 5
/** What it says when it cannot start. */
const COMPLAINT_CHARS_MAX = 2000

/**
 * The shell becomes Kamailio, in a process group of its own. What it leaves behind holds our end of a pipe: when that
 * closes, by `stop` or because we are gone, folder and group go. Nobody else can have the group's number until then.
 */
const WATCHED = 'exec 3<&0; (cat <&3; rm -rf "$0"; kill -TERM -$$) >/dev/null 2>&1 & exec "$@" 3<&- </dev/null'

/** @throws Error with one line to show when the program is missing or does not start */
export async function startKamailio(): Promise<Kamailio> {
  const found = spawnSync('kamailio', ['-v'], { env: { PATH }, timeout: START_MS_MAX })
  if (found.error !== undefined) throw new Error('Cannot run "kamailio": install the Debian package kamailio')
  let complaint = ''
  for (let count = 0; count < STARTS_MAX; count++) {
    const folder = await mkdtemp(join(tmpdir(), 'offhook-kamailio-'))
    const port = await freePort()
    await writeFile(join(folder, CONFIGURATION), configuration(port))
    const run = new Run(folder)
    if (await run.answers(port)) return handleOf(run, port)
    complaint = run.complaint
    await run.end()
  }
  throw new Error(`Kamailio does not start: ${complaint.trim()}`)
}

function handleOf(run: Run, port: number): Kamailio {
  return {
    host: HOST,
    port,
    pid: run.pid,
    async allow(userId, password) {
      await ask(port, 'htable.sets', ['password', userId, password])
    },
    async bindings() {
      return bindingsIn(await ask(port, 'ul.dump', []))
    },
    async allowSender(user, password) {
      await ask(port, 'htable.sets', ['sender', user, password])
    },
    async trustSenders(trusted) {
      await ask(port, 'htable.sets', ['setting', 'trust', trusted ? 'yes' : 'no'])
    },
    rpcUrl: `http://${HOST}:${port}/RPC`,
    stop: () => run.end(),
  }
}

// --- the process

class Run {
  readonly #folder: string
  readonly #child: ChildProcess
  readonly #closed: Promise<unknown>
  complaint = ''
  #isOver = false

  constructor(folder: string) {
    this.#folder = folder
    // In the foreground, memory of 32 MB shared and 4 MB for each of its few processes.
    const args = ['-DD', '-E', '-m', '32', '-M', '4', '-f', join(folder, CONFIGURATION), '-w', folder, '-Y', folder]
    this.#child = spawn('sh', ['-c', WATCHED, folder, 'kamailio', ...args], {
      env: { PATH },
      detached: true,
      stdio: ['pipe', 'ignore', 'pipe'],
    })
    this.#child.stderr?.setEncoding('utf8').on('data', (part: string) => {
      this.complaint = `${this.complaint}${part}`.slice(0, COMPLAINT_CHARS_MAX)
    })
    // Writing nothing, we see its end elsewhere.
    this.#child.stdin?.on('error', () => undefined)
    this.#closed = once(this.#child, 'close').then(() => {
      this.#isOver = true
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** @returns whether it runs, which is known when it answers or has ended */
  async answers(port: number): Promise<boolean> {
    const deadline = Date.now() + START_MS_MAX
    while (!this.#isOver && Date.now() < deadline) {
      try {
        await ask(port, 'core.uptime', [])
        return true
      } catch {
        // Not yet.
        await pause(POLL_MS)
      }
    }
    return false
  }

  /** Asks the whole group to end, and makes it after a while; nothing of it is left. */
  async end(): Promise<void> {
    this.#child.stdin?.end()
    const inTime = await Promise.race([this.#closed.then(() => true), pause(STOP_MS_MAX, false, { ref: false })])
    if (!inTime) process.kill(-this.pid, 'SIGKILL')
    await this.#closed
    await rm(this.#folder, { recursive: true, force: true })
  }
}

/** One that is free for UDP and TCP, below those that the system gives to whoever asks for any. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 18_000)
    if ((await isFreeTcp(port)) && (await isFreeUdp(port))) return port
  }
}

function isFreeTcp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, HOST, () => server.close(() => resolve(true)))
  })
}

function isFreeUdp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    socket.once('error', () => resolve(false))
    socket.bind(port, HOST, () => socket.close(() => resolve(true)))
  })
}

// --- its configuration

/**
 * Registrar, and proxy of NOTIFY to who is registered. A wrong password of a phone is refused at once, as providers do,
 * so that it does not go on guessing; the passwords are told later, over its own remote procedure calls.
 */
function configuration(port: number): string {
  const modules = [
    'tm',
    'sl',
    'pv',
    'xhttp',
    'jsonrpcs',
    'textops',
    'siputils',
    'htable',
    'auth',
    'usrloc',
    'registrar',
  ]
  return `#!KAMAILIO
debug=0
log_stderror=yes
fork=yes
children=1
tcp_children=1
tcp_accept_no_cl=yes
disable_sctp=yes
auto_aliases=no
dns=no
rev_dns=no
listen=udp:${HOST}:${port}
listen=tcp:${HOST}:${port}
${modules.map((name) => `loadmodule "${name}.so"`).join('\n')}
modparam("jsonrpcs", "transport", 1)
modparam("htable", "htable", "password=>size=8;")
modparam("htable", "htable", "sender=>size=4;")
modparam("htable", "htable", "setting=>size=4;")
# A phone that does not answer is given up after 8 s.
modparam("tm", "fr_timer", 8000)
modparam("usrloc", "db_mode", 0)
modparam("usrloc", "timer_interval", 1)
modparam("registrar", "max_expires", 3600)
${ROUTES}`
}

const ROUTES = `request_route {
  if (is_method("NOTIFY")) {
    route(NOTIFY);
    exit;
  }
  if (!is_method("REGISTER")) {
    sl_send_reply("405", "Method Not Allowed");
    exit;
  }
  # The user of the credentials must be the one who is to be registered (flag 1).
  if (!pv_auth_check("${HOST}", "$sht(password=>$au)", "0", "1")) {
    if ($rc == -2) {
      sl_send_reply("403", "Forbidden");
      exit;
    }
    auth_challenge("${HOST}", "1");
    exit;
  }
  save("location");
}
route[NOTIFY] {
  if ($sht(setting=>trust) != "yes") {
    if (!pv_auth_check("${HOST}", "$sht(sender=>$au)", "0", "0")) {
      auth_challenge("${HOST}", "1");
      exit;
    }
    consume_credentials();
  }
  if (!lookup("location")) {
    sl_send_reply("404", "Not Found");
    exit;
  }
  t_relay();
}
event_route[xhttp:request] {
  jsonrpc_dispatch();
}
`

// --- what it knows

async function ask(port: number, method: string, params: readonly string[]): Promise<unknown> {
  const response = await fetch(`http://${HOST}:${port}/RPC`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', method, params, id: 1 }),
    signal: AbortSignal.timeout(ASK_MS_MAX),
  })
  const answer = (await response.json()) as { readonly result?: unknown; readonly error?: { readonly message: string } }
  if (answer.error !== undefined) throw new Error(`Kamailio refuses ${method}: ${answer.error.message}`)
  return answer.result
}

interface Dump {
  readonly Domains: readonly {
    readonly Domain: {
      readonly AoRs: readonly {
        readonly Info: {
          readonly AoR: string
          readonly Contacts: readonly {
            readonly Contact: {
              readonly Address: string
              readonly 'Call-ID': string
              readonly CSeq: number
              readonly 'User-Agent': string
              readonly State: string
            }
          }[]
        }
      }[]
    }
  }[]
}

function bindingsIn(result: unknown): readonly SipBinding[] {
  return (result as Dump).Domains.flatMap(({ Domain }) => Domain.AoRs).flatMap(({ Info }) =>
    Info.Contacts.map(({ Contact }) => ({
      userId: Info.AoR,
      contact: Contact.Address,
      callId: Contact['Call-ID'],
      cseq: Contact.CSeq,
      userAgent: Contact['User-Agent'],
    })),
  )
}
