import { readMigrations } from '../../server/database/mod.ts'
import { packageRoot } from '../../server/package-root.ts'
import { examineDatabase } from '../../server/store/mod.ts'
import { type Check, type Finding, ok, problem, warning } from './finding.ts'

const CHECK = 'database'

/** The database: reachable, of a version that we know, and one that keeps what it said it has kept. */
export const checkDatabase: Check = async ({ settings, running, db, databaseProblem }) => {
  if (db === undefined) {
    const external = settings.databaseUrl !== undefined
    if (!external && !running) {
      return [ok(CHECK, 'The managed PostgreSQL runs only while the server does; it is not looked into now')]
    }
    const advice = external
      ? 'Correct DATABASE_URL, and see that the database runs and lets this machine in.'
      : 'Look at the log of the server: it says what PostgreSQL said.'
    return [problem(CHECK, 'The database does not answer', databaseProblem ?? 'no reason given', advice)]
  }
  const { version, schema, durable } = await examineDatabase(db)
  const off = Object.entries(durable).filter(([, value]) => value === 'off')
  return [
    ok(CHECK, 'The database answers', `PostgreSQL ${version}`),
    await schemaFinding(schema),
    ...off.map(([name]) =>
      problem(CHECK, `A crash of the machine would lose what was answered: ${name} is off`, name, `Set ${name} = on.`),
    ),
  ]
}

async function schemaFinding(schema: number): Promise<Finding> {
  const newest = (await readMigrations(new URL('server/store/migrations/', packageRoot()))).length
  const value = `version ${schema}, this release knows ${newest}`
  if (schema > newest) {
    const advice = 'Install the newer release again, or restore the backup from before it.'
    return problem(CHECK, 'The database is of a newer release', value, advice)
  }
  if (schema === newest) return ok(CHECK, 'The schema is that of this release', `version ${schema}`)
  return warning(CHECK, 'Migrations are still to run', value, 'The next start runs them. Make a backup before.')
}
