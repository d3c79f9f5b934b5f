/** The syslog door: what phones say of themselves over UDP, shown as claimed. */
export * from './listen.ts'
