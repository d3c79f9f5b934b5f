/** The commands, one file each. */
import { Command } from 'commander'
import { registerFleetCommand } from './fleet.ts'
import { registerLabCommand } from './lab.ts'
import { registerPhoneCommand } from './phone.ts'
import { registerServeCommand } from './serve.ts'
import { registerStartCommand } from './start.ts'
import { registerTokenCommand } from './token.ts'

/** Does what the command line asks for; resolves when that is done. */
export async function runCommand(argv: readonly string[]): Promise<void> {
  const program = new Command('offhook')
    .description('Takes Cisco IP Phones with Multiplatform firmware from sealed box to dial tone')
    .showHelpAfterError('(see --help)')
  registerStartCommand(program)
  registerServeCommand(program)
  registerPhoneCommand(program)
  registerFleetCommand(program)
  registerTokenCommand(program)
  registerLabCommand(program)
  await program.parseAsync([...argv])
}
