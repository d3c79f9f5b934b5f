/** The TFTP door: one UDP port, every transfer. What is answered is decided elsewhere and handed in. */
export type { TftpAnswer, TftpDoor, TftpDoorOptions, TftpRequest } from './door-options.ts'
export { WRITE_BYTES_MAX, WRITES_MAX } from './door-options.ts'
export { listenTftp } from './door.ts'
export type { TftpDoorEvent, TftpPeer } from './events.ts'
export type { SessionLimits } from './session-table.ts'
export { DEFAULT_SESSION_LIMITS } from './session-table.ts'
