import { startPostgres } from '../postgres.ts'
import './become.ts'

const postgres = await startPostgres({ dataDir: process.argv[2] ?? '', log: () => undefined, fsync: false })
await postgres.stop()
process.stdout.write(`ran ${postgres.major} as ${process.getuid?.()}\n`)
