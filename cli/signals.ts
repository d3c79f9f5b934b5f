/** Resolves at the first SIGINT, SIGTERM or SIGHUP; the second one ends the process at once. */
export function stopSignal(): Promise<void> {
  return new Promise((stopped) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stopped())
  })
}
