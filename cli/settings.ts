/** The options that every command of the server shares, and the settings that follow from them. */
import type { Command } from 'commander'
import { readSettings, type Settings, StartProblem } from '../server/main.ts'

/** Option name -> setting; each also stands in the environment as `OFFHOOK_<setting>`. */
const OPTIONS: readonly (readonly [string, string, string])[] = [
  ['--data <dir>', 'DATA', 'data directory (default ./data)'],
  ['--public-url <url>', 'PUBLIC_URL', 'the https URL that phones are sent to (default https://localhost:<HTTPS port>)'],
  ['--public-http-url <url>', 'PUBLIC_HTTP_URL', 'the http URL of sealed profiles and the CA file'],
  ['--host <address>', 'HOST', 'address of the doors for phones (default 0.0.0.0)'],
  ['--api-host <address>', 'API_HOST', 'address of the API (default 127.0.0.1)'],
  ['--api-port <port>', 'API_PORT', 'API (default 8000)'],
  ['--http-port <port>', 'HTTP_PORT', 'profiles and firmware over HTTP (default 8080)'],
  ['--https-port <port>', 'HTTPS_PORT', 'profiles, RC and firmware over HTTPS (default 8443)'],
  ['--tftp-port <port>', 'TFTP_PORT', 'TFTP (default 6969)'],
  ['--acs-port <port>', 'ACS_PORT', 'TR-069, not open yet (default 7547)'],
  ['--acs-tls-port <port>', 'ACS_TLS_PORT', 'TR-069 over TLS, not open yet (default 7548)'],
  ['--syslog-port <port>', 'SYSLOG_PORT', 'syslog, not open yet (default 5514)'],
  ['--sip-port <port>', 'SIP_PORT', 'SIP towards the proxy, not open yet (default 5070)'],
  ['--database-url <url>', 'DATABASE_URL', 'an external PostgreSQL 15 or newer instead of the managed one'],
  ['--master-key-file <file>', 'MASTER_KEY_FILE', 'where the master key is read (default <data>/master.key)'],
  ['--tls-cert <file>', 'TLS_CERT', 'server certificate chain, PEM (default: made by the lab)'],
  ['--tls-key <file>', 'TLS_KEY', 'its private key, PEM'],
  ['--ntp-server <host>', 'NTP_SERVER', 'NTP server for the phones'],
  ['--resync-period <seconds>', 'RESYNC_PERIOD', 'how often phones come back (default 86400)'],
  ['--event-retention-days <days>', 'EVENT_RETENTION_DAYS', 'how long events are kept (default 90)'],
  ['--log-level <level>', 'LOG_LEVEL', 'debug, info, warn, error or silent (default info)'],
]

export function addSettingOptions(command: Command): Command {
  for (const [flags, setting, text] of OPTIONS) command.option(flags, `${text} [OFFHOOK_${setting}]`)
  return command
    .option('--lab', 'keep the lab CA in force beside vendor roots [OFFHOOK_LAB]')
    .option('--standard-ports', 'ports 69, 80 and 443, as real phones ask')
}

/** Throws StartProblem with every wrong setting at once. */
export function settingsFrom(options: Readonly<Record<string, unknown>>): Settings {
  const given = new Map<string, string | boolean>()
  for (const [flags, setting] of OPTIONS) {
    const value = options[optionKey(flags)]
    if (typeof value === 'string') given.set(setting, value)
  }
  if (options['lab'] === true) given.set('LAB', true)
  if (options['standardPorts'] === true) given.set('STANDARD_PORTS', true)
  const settings = readSettings(process.env, Object.fromEntries(given))
  if (settings.ok) return settings.value
  throw new StartProblem(settings.error.map((problem) => `${problem.setting}: ${problem.message}`).join('\n'))
}

/** `--api-port <port>` -> `apiPort`, as commander names it. */
function optionKey(flags: string): string {
  return flags.replace(/^--| <.*$/g, '').replace(/-([a-z])/g, (_whole, letter: string) => letter.toUpperCase())
}
