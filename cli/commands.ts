/**
 * The commands, one file each. Only the file of the command that was asked for is loaded, so that the small ones (`rule`,
 * `seal`, `lint`) do not wait for the server's code; help and completion load all.
 */
import { Command, CommanderError } from 'commander'
import { teach } from './examples.ts'
import { EXIT } from './exit-codes.ts'

type Register = (program: Command) => unknown

interface Entry {
  readonly name: string
  readonly load: () => Promise<Register>
}

/** In the order of the help. */
const COMMANDS: readonly Entry[] = [
  { name: 'start', load: async () => (await import('./start.ts')).registerStartCommand },
  { name: 'serve', load: async () => (await import('./serve.ts')).registerServeCommand },
  { name: 'phone', load: async () => (await import('./phone.ts')).registerPhoneCommand },
  { name: 'fleet', load: async () => (await import('./fleet.ts')).registerFleetCommand },
  { name: 'lint', load: async () => (await import('./lint.ts')).registerLintCommand },
  { name: 'rule', load: async () => (await import('./rule.ts')).registerRuleCommand },
  { name: 'seal', load: async () => (await import('./seal.ts')).registerSealCommand },
  { name: 'open', load: async () => (await import('./open.ts')).registerOpenCommand },
  { name: 'token', load: async () => (await import('./token.ts')).registerTokenCommand },
  { name: 'import', load: async () => (await import('./remote/bulk.ts')).registerImportCommand },
  { name: 'export', load: async () => (await import('./remote/bulk.ts')).registerExportCommand },
  { name: 'diff', load: async () => (await import('./remote/device.ts')).registerDiffCommand },
  { name: 'resync', load: async () => (await import('./remote/device.ts')).registerResyncCommand },
  { name: 'reboot', load: async () => (await import('./remote/device.ts')).registerRebootCommand },
  { name: 'replace', load: async () => (await import('./remote/device.ts')).registerReplaceCommand },
  { name: 'release', load: async () => (await import('./remote/device.ts')).registerReleaseCommand },
  { name: 'events', load: async () => (await import('./remote/events.ts')).registerEventsCommand },
  { name: 'api', load: async () => (await import('./remote/any-route.ts')).registerApiCommand },
  { name: 'rc', load: async () => (await import('./remote/rc.ts')).registerRcCommand },
  { name: 'user', load: async () => (await import('./remote/users.ts')).registerUserCommand },
  { name: 'key', load: async () => (await import('./key.ts')).registerKeyCommand },
  { name: 'backup', load: async () => (await import('./backup.ts')).registerBackupCommand },
  { name: 'restore', load: async () => (await import('./restore.ts')).registerRestoreCommand },
  { name: 'lab', load: async () => (await import('./lab.ts')).registerLabCommand },
  { name: 'completion', load: async () => (await import('./completion.ts')).registerCompletionCommand },
]

/** The commands that need the tree of all others. */
const NEED_ALL = ['completion']

/** Does what the command line asks for; resolves when that is done. Wrong usage ends with exit code 2. */
export async function runCommand(argv: readonly string[]): Promise<void> {
  const program = await programFor(argv[2])
  try {
    await program.parseAsync([...argv])
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    // Commander has said what is wrong, or shown the help.
    if (error.exitCode !== 0) process.exitCode = EXIT.usage
  }
}

/** @param name of the one command to load; all for any other text, or none */
export async function programFor(name: string | undefined): Promise<Command> {
  const program = new Command('offhook')
    .description('Takes Cisco IP Phones with Multiplatform firmware from sealed box to dial tone')
    .showHelpAfterError('(see --help)')
    .exitOverride()
  const only = COMMANDS.filter((entry) => entry.name === name && !NEED_ALL.includes(entry.name))
  const registers = await Promise.all((only.length === 0 ? COMMANDS : only).map(({ load }) => load()))
  for (const register of registers) register(program)
  teach(program)
  return program
}
