import { lockDataDirectory } from '../lock.ts'

const lock = await lockDataDirectory(process.argv[2] ?? '', 'child')
process.stdout.write(`took ${lock.ok}\n`)
