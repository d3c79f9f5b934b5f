/** What this folder tells the log, with the meaning of each for an operator. */
export const DATABASE_EVENTS = {
  'database-created': 'A new, empty PostgreSQL cluster was made. Expected once for a data directory',
  'database-started': 'The managed PostgreSQL takes connections',
  'database-ended': 'The managed PostgreSQL ended by itself; it is started again. Look at what it said before',
  'database-not-back': 'It could not be started again; the next try follows. The reason says what to do',
  'database-says': 'PostgreSQL reports a warning or worse in its own log',
  'database-orphan-found': 'A PostgreSQL of an earlier run is still there; its Offhook was killed. It is being stopped',
  'database-orphan-stopped': 'That PostgreSQL has ended, and a new one is started. Nothing is lost',
  'database-stale-pid-file-removed':
    'A file of an earlier run would have kept PostgreSQL from starting; no server runs there',
  'database-connection-lost': 'A connection broke. It is opened again by itself; if this repeats, look at the database',
  'database-connection-back': 'That connection stands again',
} as const

/** A name of the table above. */
export type DatabaseEvent = keyof typeof DATABASE_EVENTS

/** Where this folder's events go. Fields never hold secrets. */
export type Log = (event: DatabaseEvent, fields: object) => void
