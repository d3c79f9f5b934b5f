/**
 * `offhook`, run by `bin/offhook.js`. Light on purpose: it listens for signals before it loads the commands, which takes
 * half a second.
 */
import { failWith } from './fail.ts'
import { listenForStop } from './signals.ts'

/** Commands that run until they are asked to end. */
const STAYING = ['start', 'serve', 'phone', 'fleet']

listenForStop({ staysUp: STAYING.includes(process.argv[2] ?? '') })
import('./commands.ts').then(({ runCommand }) => runCommand(process.argv)).catch(failWith)
