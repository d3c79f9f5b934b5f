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
  /** Heading of the main help. */
  readonly group: string
  readonly load: () => Promise<Register>
}

const GROUPS = {
  run: 'The platform:',
  phones: 'Virtual phones:',
  files: 'Profiles, rules and files, without a server:',
  api: 'What a running server does:',
  keep: 'Keeping it:',
} as const

/** In the order of the help. */
const COMMANDS: readonly Entry[] = [
  { name: 'start', group: GROUPS.run, load: async () => (await import('./start.ts')).registerStartCommand },
  { name: 'serve', group: GROUPS.run, load: async () => (await import('./serve.ts')).registerServeCommand },
  { name: 'phone', group: GROUPS.phones, load: async () => (await import('./phone.ts')).registerPhoneCommand },
  { name: 'fleet', group: GROUPS.phones, load: async () => (await import('./fleet.ts')).registerFleetCommand },
  { name: 'lint', group: GROUPS.files, load: async () => (await import('./lint.ts')).registerLintCommand },
  { name: 'dhcp', group: GROUPS.files, load: async () => (await import('./dhcp.ts')).registerDhcpCommand },
  { name: 'rule', group: GROUPS.files, load: async () => (await import('./rule.ts')).registerRuleCommand },
  { name: 'seal', group: GROUPS.files, load: async () => (await import('./seal.ts')).registerSealCommand },
  { name: 'open', group: GROUPS.files, load: async () => (await import('./open.ts')).registerOpenCommand },
  { name: 'token', group: GROUPS.api, load: async () => (await import('./token.ts')).registerTokenCommand },
  { name: 'import', group: GROUPS.api, load: async () => (await import('./remote/bulk.ts')).registerImportCommand },
  { name: 'export', group: GROUPS.api, load: async () => (await import('./remote/bulk.ts')).registerExportCommand },
  { name: 'diff', group: GROUPS.api, load: async () => (await import('./remote/device.ts')).registerDiffCommand },
  { name: 'resync', group: GROUPS.api, load: async () => (await import('./remote/device.ts')).registerResyncCommand },
  { name: 'reboot', group: GROUPS.api, load: async () => (await import('./remote/device.ts')).registerRebootCommand },
  { name: 'replace', group: GROUPS.api, load: async () => (await import('./remote/device.ts')).registerReplaceCommand },
  { name: 'release', group: GROUPS.api, load: async () => (await import('./remote/device.ts')).registerReleaseCommand },
  { name: 'events', group: GROUPS.api, load: async () => (await import('./remote/events.ts')).registerEventsCommand },
  { name: 'api', group: GROUPS.api, load: async () => (await import('./remote/any-route.ts')).registerApiCommand },
  { name: 'keypad', group: GROUPS.api, load: async () => (await import('./remote/keypad.ts')).registerKeypadCommand },
  { name: 'rc', group: GROUPS.api, load: async () => (await import('./remote/rc.ts')).registerRcCommand },
  { name: 'acs', group: GROUPS.api, load: async () => (await import('./remote/acs.ts')).registerAcsCommand },
  { name: 'stage', group: GROUPS.api, load: async () => (await import('./remote/stage.ts')).registerStageCommand },
  { name: 'user', group: GROUPS.api, load: async () => (await import('./remote/users.ts')).registerUserCommand },
  {
    name: 'certificate',
    group: GROUPS.keep,
    load: async () => (await import('./remote/certificates.ts')).registerCertificateCommand,
  },
  { name: 'doctor', group: GROUPS.keep, load: async () => (await import('./doctor.ts')).registerDoctorCommand },
  { name: 'key', group: GROUPS.keep, load: async () => (await import('./key.ts')).registerKeyCommand },
  { name: 'backup', group: GROUPS.keep, load: async () => (await import('./backup.ts')).registerBackupCommand },
  { name: 'restore', group: GROUPS.keep, load: async () => (await import('./restore.ts')).registerRestoreCommand },
  { name: 'lab', group: GROUPS.phones, load: async () => (await import('./lab.ts')).registerLabCommand },
  {
    name: 'completion',
    group: GROUPS.keep,
    load: async () => (await import('./completion.ts')).registerCompletionCommand,
  },
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
    // Options belong to the command that they stand behind: `dhcp` and `dhcp check` both have --for.
    .enablePositionalOptions()
    .exitOverride()
  const only = COMMANDS.filter((entry) => entry.name === name && !NEED_ALL.includes(entry.name))
  const entries = only.length === 0 ? COMMANDS : only
  const registers = await Promise.all(entries.map(({ load }) => load()))
  for (const [index, register] of registers.entries()) {
    register(program)
    program.commands.at(-1)?.helpGroup(entries[index]?.group ?? '')
  }
  program.commandsGroup(GROUPS.keep).helpCommand('help [command]', 'All about one command')
  teach(program)
  return program
}
