/** `offhook`: the commands, one file each. Run by `bin/offhook.js`. */
import { Command } from 'commander'
import { registerFleetCommand } from './fleet.ts'
import { registerLabCommand } from './lab.ts'
import { registerPhoneCommand } from './phone.ts'
import { registerServeCommand } from './serve.ts'
import { registerStartCommand } from './start.ts'
import { registerTokenCommand } from './token.ts'
import { failWith } from './fail.ts'

async function run(): Promise<void> {
  const program = new Command('offhook')
    .description('Takes Cisco IP Phones with Multiplatform firmware from sealed box to dial tone')
    .showHelpAfterError('(see --help)')
  registerStartCommand(program)
  registerServeCommand(program)
  registerPhoneCommand(program)
  registerFleetCommand(program)
  registerTokenCommand(program)
  registerLabCommand(program)
  await program.parseAsync(process.argv)
}

run().catch(failWith)
