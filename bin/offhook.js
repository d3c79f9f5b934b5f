#!/usr/bin/env node
// The command line. A fresh or changed clone is set up first, with its progress on stderr.
import { setUpOrExit } from '../tools/setup.js'

const staysUp = ['start', 'serve', 'phone', 'fleet'].includes(process.argv[2])
const letGo = await setUpOrExit({ stopIsSuccess: staysUp })
await import('../dist/cli/main.js')
// It listens for signals itself from here on.
letGo()
