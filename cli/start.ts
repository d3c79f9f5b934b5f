import type { Command } from 'commander'
import { startExample } from '../world/example/mod.ts'
import { runServer } from './running-server.ts'
import { addSettingOptions, portFrom, settingsFrom } from './settings.ts'

const REGISTRAR_PORT = 5090
const PHONE_PORT = 8088

export function registerStartCommand(program: Command): void {
  addSettingOptions(
    program.command('start').description('Run the platform with an example provider and a virtual phone'),
  )
    .option('--registrar-port <port>', `stand-in registrar (default ${REGISTRAR_PORT}) [OFFHOOK_REGISTRAR_PORT]`)
    .option('--phone-port <port>', `web pages of the virtual phone (default ${PHONE_PORT}) [OFFHOOK_PHONE_PORT]`)
    .action(async (options) => {
      const registrarPort = portFrom(options.registrarPort, 'REGISTRAR_PORT')
      const phonePort = portFrom(options.phonePort, 'PHONE_PORT')
      // What happens is told in words; the log, on stderr, need not repeat it.
      const logLevel = process.env['OFFHOOK_LOG_LEVEL'] ?? 'warn'
      const settings = settingsFrom({ logLevel, ...options }, [registrarPort, phonePort])
      tell('Offhook starts: database, doors, example …')
      await runServer({ settings, what: 'offhook start' }, async (server, stopped) => {
        const { ports } = server
        tell(
          `  Phones: ${server.publicUrl} (HTTP ${ports.http}, HTTPS ${ports.https}, TFTP ${ports.tftp}). API: port ${ports.api}.`,
        )
        const example = await startExample({
          server,
          registrarPort: registrarPort.ok ? registrarPort.value : undefined,
          usualRegistrarPort: REGISTRAR_PORT,
          phonePort: (phonePort.ok ? phonePort.value : undefined) ?? PHONE_PORT,
          tell,
        })
        try {
          await Promise.race([example.journey(), stopped])
          await stopped
        } finally {
          await example.stop()
        }
      })
    })
}

function tell(line: string): void {
  process.stdout.write(`${line}\n`)
}
