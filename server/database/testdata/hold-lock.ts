import { lockDataDirectory } from '../lock.ts'
import './become.ts'

const lock = await lockDataDirectory(process.argv[2] ?? '', 'child')
if (!lock.ok) {
  process.stdout.write(`${lock.error.code}: ${lock.error.message}\n`)
  process.exit(3)
}
process.stdout.write('ready\n')
process.stdin.on('end', () => process.exit(0)).resume()
