import type { Command } from 'commander'
import { runServer } from './running-server.ts'
import { addSettingOptions, settingsFrom } from './settings.ts'

export function registerServeCommand(program: Command): void {
  addSettingOptions(program.command('serve').description('Run the platform')).action(async (options) => {
    await runServer({ settings: settingsFrom(options), what: 'offhook serve' }, async ({ ports, publicUrl }) => {
      process.stdout.write(
        `offhook: phones at ${publicUrl} (HTTP ${ports.http}, HTTPS ${ports.https}, TFTP ${ports.tftp}); API on port ${ports.api}\n`,
      )
    })
  })
}
