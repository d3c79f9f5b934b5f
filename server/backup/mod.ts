/** The whole database and the firmware files as one file, and back. It never holds the master key. */
export { type BackupHeader, BackupProblem } from './format.ts'
export { type BackupCounts, writeBackup } from './write.ts'
export { type RestoreCounts, readBackupHeader, restoreBackup } from './restore.ts'
