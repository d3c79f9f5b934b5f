import type { Command } from 'commander'
import { startServer } from '../server/main.ts'
import { startExample } from '../world/example/mod.ts'
import { addSettingOptions, settingsFrom } from './settings.ts'
import { stopSignal } from './signals.ts'

const REGISTRAR_PORT = 5090
const PHONE_PORT = 8088

export function registerStartCommand(program: Command): void {
  addSettingOptions(program.command('start').description('Run the platform with an example provider and a virtual phone'))
    .option('--registrar-port <port>', 'port of the stand-in registrar', String(REGISTRAR_PORT))
    .option('--phone-port <port>', "port of the virtual phone's web pages", String(PHONE_PORT))
    .action(async (options) => {
      const stopped = stopSignal()
      const tell = (line: string): void => {
        process.stdout.write(`${line}\n`)
      }
      tell('Offhook starts: database, doors, example …')
      const settings = { ...settingsFrom({ logLevel: process.env['OFFHOOK_LOG_LEVEL'] ?? 'warn', ...options }) }
      const server = await startServer({ settings, what: 'offhook start' })
      const { ports } = server
      tell(`  Phones: ${server.publicUrl} (HTTP ${ports.http}, HTTPS ${ports.https}, TFTP ${ports.tftp}). API: port ${ports.api}.`)
      const running = startExample({
        server,
        registrarPort: Number(options.registrarPort),
        phonePort: Number(options.phonePort),
        tell,
      })
      try {
        const example = await Promise.race([running, stopped])
        await stopped
        await example?.stop()
      } finally {
        await server.stop()
        // A journey that was broken off may still wait for its phone.
        process.exit()
      }
    })
}
