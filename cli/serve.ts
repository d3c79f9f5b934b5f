import type { Command } from 'commander'
import { startServer } from '../server/main.ts'
import { addSettingOptions, settingsFrom } from './settings.ts'
import { stopSignal } from './signals.ts'

export function registerServeCommand(program: Command): void {
  addSettingOptions(program.command('serve').description('Run the platform')).action(async (options) => {
    const stopped = stopSignal()
    const server = await startServer({ settings: settingsFrom(options), what: 'offhook serve' })
    const { ports, publicUrl } = server
    process.stdout.write(
      `offhook: phones at ${publicUrl} (HTTP ${ports.http}, HTTPS ${ports.https}, TFTP ${ports.tftp}); API on port ${ports.api}\n`,
    )
    await stopped
    await server.stop()
  })
}
