/**
 * Makes this process a plain user once its code is loaded: the clone itself may lie where only root may read. Imported
 * last, so that it is evaluated after all other imports and before the script's own lines.
 */
const { BECOME_UID, BECOME_GID } = process.env

if (BECOME_UID !== undefined && BECOME_GID !== undefined) {
  process.chdir('/')
  process.setgroups?.([])
  process.setgid?.(Number(BECOME_GID))
  process.setuid?.(Number(BECOME_UID))
}

export {}
