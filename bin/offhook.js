#!/usr/bin/env node
// The command line. A fresh or changed clone is set up first, with its progress on stderr.
import { setUpOrExit } from '../tools/setup.js'

await setUpOrExit()
await import('../dist/cli/main.js')
