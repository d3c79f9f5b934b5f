/**
 * The settings table: every setting of the server, where it comes from and what it is when absent, read once into one
 * frozen value. Options win over the environment.
 */
import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { err, ok, type Result } from '../protocol/result.ts'

export interface Settings {
  readonly dataDir: string
  readonly host: string
  readonly apiHost: string
  readonly apiPort: number
  readonly httpPort: number
  readonly httpsPort: number
  readonly tftpPort: number
  /** Named here so that every port is chosen in one place; their doors come with TR-069, syslog and NOTIFY. */
  readonly acsPort: number
  readonly acsTlsPort: number
  /** A certified TR-069 device that nobody has registered. */
  readonly acsUnknownDevices: 'refuse' | 'quarantine' | 'register'
  /** Calls by the clock that this server is to have from TR-069 devices. */
  readonly acsSessionsPerSecond: number
  readonly syslogPort: number
  readonly sipPort: number
  /** undefined: made from the HTTPS port when that is known. */
  readonly publicUrl: string | undefined
  readonly publicHttpUrl: string | undefined
  readonly databaseUrl: string | undefined
  readonly masterKey: string | undefined
  readonly masterKeyFile: string | undefined
  readonly tlsCertFile: string | undefined
  readonly tlsKeyFile: string | undefined
  /** The CA of that certificate where phones do not know it: they learn it by `Custom_CA_Rule`. */
  readonly tlsCaFile: string | undefined
  /** Keep the lab CA in force although a vendor root is installed. */
  readonly lab: boolean
  readonly ntpServer: string | undefined
  readonly resyncPeriodSeconds: number
  readonly eventRetentionDays: number
  /** How much longer than its period a phone may stay away before its silence is an alarm, in percent of the period. */
  readonly silenceSlackPercent: number
  /** Archives of the phones' problem report tool: how long they are kept, and how many bytes of all of them. */
  readonly problemReportDays: number
  readonly problemReportMiB: number
  /** Networks (CIDR) that webhooks, action URLs and the like may reach although they are private. */
  readonly outboundAllow: readonly string[]
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent'
}

export interface SettingProblem {
  readonly setting: string
  readonly message: string
}

/** Something that a person must put right before the server can start; the message says what. */
export class StartProblem extends Error {
  override readonly name = 'StartProblem'
}

type Env = Readonly<Record<string, string | undefined>>
/** Options of the command line by their environment name without the prefix, e.g. `HTTP_PORT`. */
export type SettingOptions = Readonly<Record<string, string | boolean | undefined>>

/** Every port of the server, and what it is when nobody names it. */
const PORTS = {
  API_PORT: 8000,
  HTTP_PORT: 8080,
  HTTPS_PORT: 8443,
  TFTP_PORT: 6969,
  ACS_PORT: 7547,
  ACS_TLS_PORT: 7548,
  SYSLOG_PORT: 5514,
  SIP_PORT: 5070,
} as const

/** Options for a server beside others, as in tests: each of its ports is one that is free. */
export const ANY_PORTS: SettingOptions = Object.fromEntries(Object.keys(PORTS).map((name) => [name, '0']))

const STANDARD_PORTS: Readonly<Record<string, string>> = { TFTP_PORT: '69', HTTP_PORT: '80', HTTPS_PORT: '443' }
/** What a phone is told as a host, and what a socket is bound to. */
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9][a-z0-9_-]{0,62})*\.?$/i
const DATABASE_URL = /^postgres(?:ql)?:\/\/\S+$/i
/** The form alone: reading it is the database's. */
const MASTER_KEY = /^\s*(?:[0-9a-f]{64}|[a-z0-9+/_-]{43}=?)\s*$/i
const ACS_UNKNOWN = ['refuse', 'quarantine', 'register'] as const
const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const

/** @returns all settings, or every problem at once: nothing is opened before they are right. */
export function readSettings(env: Env, options: SettingOptions): Result<Settings, readonly SettingProblem[]> {
  const problems: SettingProblem[] = []
  const read = reader(env, options, problems)
  const settings: Settings = {
    dataDir: resolve(read.text('DATA') ?? 'data'),
    host: read.form('HOST', (text) => isIP(text) !== 0, 'an IP address of this machine, or 0.0.0.0 or ::') ?? '0.0.0.0',
    apiHost: read.form('API_HOST', isHost, 'an IP address or name of this machine') ?? '127.0.0.1',
    apiPort: read.port('API_PORT'),
    httpPort: read.port('HTTP_PORT'),
    httpsPort: read.port('HTTPS_PORT'),
    tftpPort: read.port('TFTP_PORT'),
    acsPort: read.port('ACS_PORT'),
    acsTlsPort: read.port('ACS_TLS_PORT'),
    acsUnknownDevices: read.choice('ACS_UNKNOWN', ACS_UNKNOWN, 'quarantine'),
    acsSessionsPerSecond: read.whole('ACS_SESSIONS_PER_SECOND', 50, 1, 10_000),
    syslogPort: read.port('SYSLOG_PORT'),
    sipPort: read.port('SIP_PORT'),
    publicUrl: read.url('PUBLIC_URL', 'https:'),
    publicHttpUrl: read.url('PUBLIC_HTTP_URL', 'http:'),
    databaseUrl: read.hidden(
      'DATABASE_URL',
      DATABASE_URL,
      'a URL like postgres://user:password@host:5432/database',
      env,
    ),
    masterKey: read.hidden('MASTER_KEY', MASTER_KEY, '32 bytes as 64 hex digits or in base64'),
    masterKeyFile: read.text('MASTER_KEY_FILE'),
    tlsCertFile: read.text('TLS_CERT'),
    tlsKeyFile: read.text('TLS_KEY'),
    tlsCaFile: read.text('TLS_CA'),
    lab: read.flag('LAB'),
    ntpServer: read.form('NTP_SERVER', isHost, 'a host name or IP address'),
    resyncPeriodSeconds: read.whole('RESYNC_PERIOD', 86_400, 60, 2_000_000),
    eventRetentionDays: read.whole('EVENT_RETENTION_DAYS', 90, 1, 3650),
    problemReportDays: read.whole('PROBLEM_REPORT_DAYS', 30, 1, 3650),
    problemReportMiB: read.whole('PROBLEM_REPORT_MIB', 2048, 0, 10_000_000),
    silenceSlackPercent: read.whole('SILENCE_SLACK', 100, 0, 10_000),
    outboundAllow: read.networks('OUTBOUND_ALLOW'),
    logLevel: read.choice('LOG_LEVEL', LOG_LEVELS, 'info'),
  }
  if ((settings.tlsCertFile === undefined) !== (settings.tlsKeyFile === undefined)) {
    problems.push({
      setting: 'OFFHOOK_TLS_CERT',
      message: 'A server certificate needs both OFFHOOK_TLS_CERT and OFFHOOK_TLS_KEY',
    })
  }
  if (settings.tlsCaFile !== undefined && settings.tlsCertFile === undefined) {
    problems.push({ setting: 'OFFHOOK_TLS_CA', message: 'It belongs to a certificate given by OFFHOOK_TLS_CERT' })
  }
  return problems.length > 0 ? err(problems) : ok(Object.freeze(settings))
}

/** Nothing but scheme, host and port. */
function isOrigin({ protocol, pathname, username, password, search, hash }: URL, wanted: string): boolean {
  return protocol === wanted && pathname === '/' && [username, password, search, hash].every((part) => part === '')
}

function isHost(text: string): boolean {
  return isIP(text) !== 0 || HOST_NAME.test(text)
}

function reader(env: Env, options: SettingOptions, problems: SettingProblem[]) {
  const standard = options['STANDARD_PORTS'] === true
  function text(name: string): string | undefined {
    const option = options[name]
    const value = typeof option === 'string' ? option : env[`OFFHOOK_${name}`]
    return value === undefined || value === '' ? undefined : value
  }
  function whole(name: string, absent: number, least: number, most: number): number {
    const value = text(name) ?? (standard ? STANDARD_PORTS[name] : undefined)
    if (value === undefined) return absent
    const number = Number(value)
    if (/^[0-9]+$/.test(value) && number >= least && number <= most) return number
    problems.push({ setting: `OFFHOOK_${name}`, message: `"${value}" is not a whole number from ${least} to ${most}` })
    return absent
  }
  function url(name: string, protocol: string): string | undefined {
    const value = text(name)
    if (value === undefined) return undefined
    if (URL.canParse(value) && isOrigin(new URL(value), protocol)) return value.replace(/\/+$/, '')
    problems.push({ setting: `OFFHOOK_${name}`, message: `"${value}" is not of the form ${protocol}//host[:port]` })
    return undefined
  }
  function choice<T extends string>(name: string, choices: readonly T[], absent: T): T {
    const value = text(name)
    const found = choices.find((each) => each === value)
    if (value !== undefined && found === undefined) {
      problems.push({ setting: `OFFHOOK_${name}`, message: `"${value}" is none of ${choices.join(', ')}` })
    }
    return found ?? absent
  }
  return {
    text,
    whole,
    url,
    choice,
    port: (name: keyof typeof PORTS) => whole(name, PORTS[name], 0, 65_535),
    flag: (name: string) => options[name] === true || readFlag(env, name, problems),
    ...formReader(text, problems),
  }
}

/** Texts that must have a form. */
function formReader(text: (name: string) => string | undefined, problems: SettingProblem[]) {
  function form(name: string, isRight: (text: string) => boolean, expected: string): string | undefined {
    const value = text(name)
    if (value === undefined || isRight(value)) return value
    problems.push({ setting: `OFFHOOK_${name}`, message: `"${value}" is not ${expected}` })
    return undefined
  }
  /** A value that may be a secret: never repeated. @param plain  where it may also stand under its bare name */
  function hidden(name: string, right: RegExp, expected: string, plain: Env = {}): string | undefined {
    const own = text(name)
    const value = own ?? plain[name]
    if (value === undefined || value === '' || right.test(value)) return value
    const setting = own === undefined ? name : `OFFHOOK_${name}`
    problems.push({ setting, message: `expected ${expected}; what it is now is not repeated here` })
    return undefined
  }
  function networks(name: string): readonly string[] {
    const items = (text(name) ?? '').split(',').map((item) => item.trim())
    return items.filter((item) => {
      if (item === '') return false
      const [address = '', prefix = ''] = item.split('/')
      const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1
      const right = /^[0-9]{1,3}$/.test(prefix) && Number(prefix) <= bits
      if (!right) problems.push({ setting: `OFFHOOK_${name}`, message: `"${item}" is no network like 10.0.0.0/8` })
      return right
    })
  }
  return { form, hidden, networks }
}

function readFlag(env: Env, name: string, problems: SettingProblem[]): boolean {
  const value = env[`OFFHOOK_${name}`] ?? ''
  if (/^(?:1|yes|true)$/i.test(value)) return true
  if (!/^(?:0|no|false)?$/i.test(value)) {
    problems.push({ setting: `OFFHOOK_${name}`, message: `"${value}" is not yes or no` })
  }
  return false
}
