import type { Command } from 'commander'
import { type Server, startServer } from '../server/main.ts'
import { addSettingOptions, settingsFrom } from './settings.ts'

export function registerServeCommand(program: Command): void {
  addSettingOptions(program.command('serve').description('Run the platform')).action(async (options) => {
    const server = await startServer({ settings: settingsFrom(options), what: 'offhook serve' })
    const { ports, publicUrl } = server
    process.stdout.write(
      `offhook: phones at ${publicUrl} (HTTP ${ports.http}, HTTPS ${ports.https}, TFTP ${ports.tftp}); API on port ${ports.api}\n`,
    )
    await untilStopped(server)
  })
}

/** Waits for SIGTERM or SIGINT, then closes everything. A second signal ends the process at once. */
export async function untilStopped(server: Pick<Server, 'stop'>): Promise<void> {
  await new Promise<void>((stopped) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stopped())
  })
  await server.stop()
}
