/** The options that every command of the server shares, and the settings that follow from them. */
import type { Command } from 'commander'
import { err, ok, type Result } from '../protocol/result.ts'
import { readSettings, type SettingProblem, type Settings, StartProblem } from '../server/config.ts'

/** Option name -> setting; each also stands in the environment as `OFFHOOK_<setting>`. */
const OPTIONS: readonly (readonly [string, string, string])[] = [
  ['--data <dir>', 'DATA', 'data directory (default ./data)'],
  [
    '--public-url <url>',
    'PUBLIC_URL',
    'the https URL that phones are sent to (default https://localhost:<HTTPS port>)',
  ],
  ['--public-http-url <url>', 'PUBLIC_HTTP_URL', 'the http URL of sealed profiles and the CA file'],
  ['--host <address>', 'HOST', 'address of the doors for phones (default 0.0.0.0)'],
  ['--api-host <address>', 'API_HOST', 'address of the API (default 127.0.0.1)'],
  ['--api-port <port>', 'API_PORT', 'API (default 8000)'],
  ['--http-port <port>', 'HTTP_PORT', 'profiles and firmware over HTTP (default 8080)'],
  ['--https-port <port>', 'HTTPS_PORT', 'profiles, RC and firmware over HTTPS (default 8443)'],
  ['--tftp-port <port>', 'TFTP_PORT', 'TFTP (default 6969)'],
  ['--acs-port <port>', 'ACS_PORT', 'TR-069 (default 7547)'],
  ['--acs-tls-port <port>', 'ACS_TLS_PORT', 'TR-069 over TLS (default 7548)'],
  [
    '--acs-unknown <what>',
    'ACS_UNKNOWN',
    'a certified TR-069 device that is not registered: refuse, quarantine, register',
  ],
  [
    '--acs-sessions-per-second <number>',
    'ACS_SESSIONS_PER_SECOND',
    'calls by the clock to expect from all TR-069 devices; sets how often they call (default 50)',
  ],
  ['--syslog-port <port>', 'SYSLOG_PORT', 'syslog of the phones, UDP (default 5514)'],
  ['--sip-port <port>', 'SIP_PORT', 'SIP towards the proxy, UDP (default 5070)'],
  ['--database-url <url>', 'DATABASE_URL', 'an external PostgreSQL 15 or newer instead of the managed one'],
  ['--master-key-file <file>', 'MASTER_KEY_FILE', 'where the master key is read (default <data>/master.key)'],
  ['--tls-cert <file>', 'TLS_CERT', 'server certificate chain, PEM (default: made by the lab)'],
  ['--tls-key <file>', 'TLS_KEY', 'its private key, PEM'],
  ['--tls-ca <file>', 'TLS_CA', 'the CA of that certificate, PEM, for phones that do not know it'],
  ['--ntp-server <host>', 'NTP_SERVER', 'NTP server for the phones'],
  ['--resync-period <seconds>', 'RESYNC_PERIOD', 'how often phones come back (default 86400)'],
  [
    '--silence-slack <percent>',
    'SILENCE_SLACK',
    'how much later than due a phone may come before an alarm (default 100)',
  ],
  ['--event-retention-days <days>', 'EVENT_RETENTION_DAYS', 'how long events are kept (default 90)'],
  ['--problem-report-days <days>', 'PROBLEM_REPORT_DAYS', 'how long problem reports of phones are kept (default 30)'],
  ['--problem-report-mib <MiB>', 'PROBLEM_REPORT_MIB', 'bytes of all problem reports; 0 takes none (default 2048)'],
  [
    '--outbound-allow <networks>',
    'OUTBOUND_ALLOW',
    'private networks that webhooks and action URLs may reach, as CIDR with commas',
  ],
  ['--log-level <level>', 'LOG_LEVEL', 'debug, info, warn, error or silent (default info)'],
]

/** @param only  names of the settings that matter to the command; all without it */
export function addSettingOptions(command: Command, only?: readonly string[]): Command {
  for (const [flags, setting, text] of OPTIONS) {
    if (only?.includes(setting) !== false) command.option(flags, `${text} [OFFHOOK_${setting}]`)
  }
  if (only !== undefined) return command
  return command
    .option('--lab', 'keep the lab CA in force beside vendor roots [OFFHOOK_LAB]')
    .option('--standard-ports', 'ports 69, 80 and 443, as real phones ask')
}

/**
 * Throws StartProblem with every wrong setting at once.
 *
 * @param others  settings of the command itself, to be named together with those of the server
 */
export function settingsFrom(
  options: Readonly<Record<string, unknown>>,
  others: readonly Result<unknown, SettingProblem>[] = [],
): Settings {
  const given = new Map<string, string | boolean>()
  for (const [flags, setting] of OPTIONS) {
    const value = options[optionKey(flags)]
    if (typeof value === 'string') given.set(setting, value)
  }
  if (options['lab'] === true) given.set('LAB', true)
  if (options['standardPorts'] === true) given.set('STANDARD_PORTS', true)
  const settings = readSettings(process.env, Object.fromEntries(given))
  const problems = [
    ...(settings.ok ? samePorts(settings.value) : settings.error),
    ...others.flatMap((other) => (other.ok ? [] : [other.error])),
  ]
  if (settings.ok && problems.length === 0) return settings.value
  const lines = problems.map(({ setting, message }) => `${setting}: ${message}`)
  throw new StartProblem(
    lines.length === 1 ? `${lines[0]}` : `${lines.length} settings are wrong\n  ${lines.join('\n  ')}`,
  )
}

/** A port of one command, by option or environment; undefined when neither names one. */
export function portFrom(option: string | undefined, setting: string): Result<number | undefined, SettingProblem> {
  const text = option ?? process.env[`OFFHOOK_${setting}`] ?? ''
  if (text === '') return ok(undefined)
  if (/^[0-9]{1,5}$/.test(text) && Number(text) <= 65_535) return ok(Number(text))
  return err({ setting: `OFFHOOK_${setting}`, message: `"${text}" is not a whole number from 0 to 65535` })
}

/** Two doors on one port: the second would say that another program has it. */
function samePorts(settings: Settings): readonly SettingProblem[] {
  const { host, apiHost, apiPort, httpPort, httpsPort, tftpPort, acsPort, acsTlsPort, syslogPort, sipPort } = settings
  const doors = [
    { setting: 'OFFHOOK_API_PORT', host: apiHost, port: apiPort, over: 'TCP' },
    { setting: 'OFFHOOK_HTTP_PORT', host, port: httpPort, over: 'TCP' },
    { setting: 'OFFHOOK_HTTPS_PORT', host, port: httpsPort, over: 'TCP' },
    { setting: 'OFFHOOK_ACS_PORT', host, port: acsPort, over: 'TCP' },
    { setting: 'OFFHOOK_ACS_TLS_PORT', host, port: acsTlsPort, over: 'TCP' },
    { setting: 'OFFHOOK_TFTP_PORT', host, port: tftpPort, over: 'UDP' },
    { setting: 'OFFHOOK_SYSLOG_PORT', host, port: syslogPort, over: 'UDP' },
    { setting: 'OFFHOOK_SIP_PORT', host, port: sipPort, over: 'UDP' },
  ].filter(({ port }) => port !== 0)
  return doors.flatMap((door, index) => {
    const before = doors.slice(0, index).filter(({ port, over }) => port === door.port && over === door.over)
    const first = before.find((other) => meet(other.host, door.host))
    return first === undefined
      ? []
      : [{ setting: door.setting, message: `port ${door.port} is that of ${first.setting} too` }]
  })
}

function meet(a: string, b: string): boolean {
  return a === b || [a, b].some((host) => host === '0.0.0.0' || host === '::')
}

/** `--api-port <port>` -> `apiPort`, as commander names it. */
function optionKey(flags: string): string {
  return flags.replace(/^--| <.*$/g, '').replace(/-([a-z])/g, (_whole, letter: string) => letter.toUpperCase())
}
