import { openDatabase } from '../connect.ts'
import { startPostgres } from '../postgres.ts'

// Starts a PostgreSQL on the folder and stores numbers one after the other. Each is printed once it is committed, so
// whoever reads it may rely on it, whatever happens to us.

const [dataDir = '', mode = ''] = process.argv.slice(2)
const postgres = await startPostgres({ dataDir, log: () => undefined, dieWithParent: mode !== 'orphan' })
const database = await openDatabase({ connection: postgres.connection, log: () => undefined })
await database.run({ name: 'make', text: 'create table if not exists number (n bigint primary key)', values: [] })
const last = await database.one<{ n: number }>({ name: 'last', text: 'select coalesce(max(n), 0) n from number', values: [] })
process.stdout.write(`postgres ${postgres.pid}\nready\n`)
process.stdin.on('end', () => process.exit(0)).resume()
if (mode === 'insert') {
  for (let n = (last?.n ?? 0) + 1; ; n++) {
    await database.run({ name: 'insert', text: 'insert into number values ($1)', values: [n] })
    process.stdout.write(`stored ${n}\n`)
  }
}
