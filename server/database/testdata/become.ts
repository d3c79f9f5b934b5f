/**
 * Makes this process a plain user once its code is loaded: the clone itself may lie where only root may read. Imported
 * first, so that it is evaluated before everything else.
 */
const { BECOME_UID, BECOME_GID } = process.env

if (BECOME_UID !== undefined && BECOME_GID !== undefined) {
  process.chdir('/')
  process.setgroups?.([])
  process.setgid?.(Number(BECOME_GID))
  process.setuid?.(Number(BECOME_UID))
}

export {}
